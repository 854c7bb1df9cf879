// Package results keeps what was measured in one SQLite file, and gives it back
// bit for bit. It is the only room with SQL.
//
// Each sample is committed when it is measured: after [Store.Append] returned,
// neither kill -9 nor a power cut loses it, and no sample can be stored twice. A
// measurement goes on only where its identity is the stored one, and one process
// at a time writes a run.
//
// It deliberately computes nothing: no metric, no interval, no verdict, and it
// writes no report and no evidence folder.
//
// # Durability
//
// The file is in WAL mode with synchronous=FULL. With FULL, SQLite syncs the
// write-ahead log at each commit; with NORMAL, the driver's default, it syncs
// only at checkpoints: such a file survives a power cut whole, but without its
// last transactions (https://www.sqlite.org/pragma.html#pragma_synchronous).
// That is one fsync for each engine step, so results of one step belong in one
// [Store.AppendAll]. Where a file system has no shared memory for WAL, SQLite
// stays with its rollback journal, which keeps the same promise.
//
// WAL and the locks of a run are for processes of one host: on a network file
// system two hosts need a database each.
package results
