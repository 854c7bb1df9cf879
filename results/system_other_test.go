//go:build cgo && !linux

package results

import "errors"

func fullDiskChild(string) error { return errors.New("needs Linux") }

func readOnlyChild(string) error { return errors.New("needs Linux") }
