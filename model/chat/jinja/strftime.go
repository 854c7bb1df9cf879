package jinja

import (
	"fmt"
	"strings"
)

// strftimeLayouts are the directives of the C library that Go's time writes alike.
var strftimeLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'd': "02", 'e': "_2", 'H': "15", 'I': "03",
	'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'y': "06", 'Y': "2006",
}

// strftimeShort are directives that stand for others, in the C locale.
var strftimeShort = map[byte]string{
	'c': "%a %b %e %H:%M:%S %Y", 'D': "%m/%d/%y", 'F': "%Y-%m-%d", 'R': "%H:%M", 'r': "%I:%M:%S %p", 'T': "%H:%M:%S",
	'x': "%m/%d/%y", 'X': "%H:%M:%S", 'n': "\n", 't': "\t", '%': "%", 'z': "", 'Z': "", // as of a time without zone
}

// strftime is glibc's strftime of the time that the rendering has been given.
func (in *interp) strftime(b *strings.Builder, format string, depth int) {
	in.alloc(8 * len(format))
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		flag := byte(0)
		if strings.IndexByte("-_0^", format[i]) >= 0 && i+1 < len(format) {
			flag = format[i]
			i++
		}
		b.WriteString(pad(in.directive(format[i], depth), flag))
	}
}

func (in *interp) directive(c byte, depth int) string {
	now := in.now
	if layout, ok := strftimeLayouts[c]; ok {
		return now.Format(layout)
	}
	if short, ok := strftimeShort[c]; ok {
		if len(short) < 2 {
			return short
		}
		var b strings.Builder
		in.strftime(&b, short, depth+1)
		return b.String()
	}
	year, week := now.ISOWeek()
	weekday := int(now.Weekday())
	switch c {
	case 'f':
		return fmt.Sprintf("%06d", now.Nanosecond()/1000)
	case 'j':
		return fmt.Sprintf("%03d", now.YearDay())
	case 'C':
		return fmt.Sprintf("%02d", now.Year()/100)
	case 'u':
		return fmt.Sprint((weekday+6)%7 + 1)
	case 'w':
		return fmt.Sprint(weekday)
	case 'U':
		return fmt.Sprintf("%02d", (now.YearDay()+6-weekday)/7)
	case 'W':
		return fmt.Sprintf("%02d", (now.YearDay()+6-(weekday+6)%7)/7)
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'G':
		return fmt.Sprint(year)
	case 'g':
		return fmt.Sprintf("%02d", year%100)
	case 'k':
		return fmt.Sprintf("%2d", now.Hour())
	case 'l':
		return fmt.Sprintf("%2d", (now.Hour()+11)%12+1)
	case 'P':
		return strings.ToLower(now.Format("PM"))
	}
	valueError("strftime directive %%%c is not supported", c)
	return ""
}

// pad applies a flag of glibc: - no padding, _ spaces, 0 zeros, ^ capitals.
func pad(s string, flag byte) string {
	bare := strings.TrimLeft(s[:max(len(s)-1, 0)], " 0") + s[max(len(s)-1, 0):]
	switch flag {
	case '-':
		return bare
	case '_':
		return strings.Repeat(" ", len(s)-len(bare)) + bare
	case '0':
		return strings.Repeat("0", len(s)-len(bare)) + bare
	case '^':
		return strings.ToUpper(s)
	}
	return s
}
