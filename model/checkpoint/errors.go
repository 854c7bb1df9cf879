package checkpoint

// UnsupportedError names what a checkpoint has that this version cannot compute.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return e.What }
