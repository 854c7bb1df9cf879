// Package kicadpcb asks for footprints: dimensioned drawings in words, from chip
// resistors to ball grids, made of seeded numbers. Nothing is copied from a
// library.
//
// Each question has a reference in the form of KiCad 8, the target that the
// scorer of that name compares with, and mutants with one thing wrong. The
// package knows no scorer: tools/electronics has the tests that see both.
package kicadpcb
