package kicad

import (
	"errors"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Limits bound what ReadNetlist accepts. A zero means the default.
type Limits struct {
	Text       sexpr.Limits // of each file
	Files      int          // that are read; default 512
	Bytes      int          // of all files together; default 512 MiB
	Sheets     int          // in the hierarchy, each as often as it is used; default 4096
	Items      int          // wires, labels, pins … of all these sheets; default 8 million
	BusMembers int          // of all bus labels together; default 1 million
}

// ErrLimit is wrapped by errors about what is beyond the Limits.
var ErrLimit = errors.New("beyond the limits")

func (l *Limits) fill() {
	set := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	set(&l.Files, 512)
	set(&l.Bytes, 512<<20)
	set(&l.Sheets, 4096)
	set(&l.Items, 8<<20)
	set(&l.BusMembers, 1<<20)
}
