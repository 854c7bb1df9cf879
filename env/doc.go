// Package env is the world outside of the process: it says what machine this is,
// which build of lorabench runs on it and which tools are there, and it hands out
// standard input, output and the environment variables. It is the only room that
// does either.
//
// It deliberately collects nothing that identifies a person or opens a door: no
// environment variables, no user name, the host's name only where it is asked
// for, and command lines without their secrets. What cannot be found out is said
// to be unknown and never guessed at: a field is empty, null, or "unknown".
//
// Linux is read fully; other systems leave more unknown.
package env
