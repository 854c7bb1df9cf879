// Package electronics holds the tests that see both a task's generator and its
// scorer, which may not import each other: every reference is right, every
// mutant is wrong, and what knows nothing gets nothing.
//
//	go test ./tools/electronics          a part of each task
//	make conformance-electronics         all of it
package electronics
