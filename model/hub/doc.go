// Package hub finds models and adapters of the Hugging Face hub in the local
// cache, and fetches them into it where that is asked for.
//
// The cache is the one that huggingface_hub keeps, in its layout, so either
// program uses what the other has fetched:
//
//	models--org--name/refs/REVISION            the commit of a branch or tag
//	models--org--name/snapshots/COMMIT/FILE    a link to the file's content
//	models--org--name/blobs/HASH               content, by SHA-256 or git's SHA-1
//	.locks/models--org--name/HASH.lock         held while a content is fetched
//
// Find never uses the network; Fetch uses it and nothing else does. Nothing is
// read or written outside of the cache, whatever names and links are in it. What
// is fetched gets its name only when it is whole and has the hash that the hub
// told, so that what is cut off is never taken for a file; it is kept and gone on
// with. The package reads no environment: the caller hands it what that says.
package hub
