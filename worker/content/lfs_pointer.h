#ifndef FORGE_WORKER_CONTENT_LFS_POINTER_H
#define FORGE_WORKER_CONTENT_LFS_POINTER_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** Digits of a SHA-256 digest in hexadecimal. */
#define LFS_OID_HEXSZ 64

/** What a pointer of git-lfs stands for. */
struct lfs_pointer {
	char oid[LFS_OID_HEXSZ + 1]; /**< lower-case hexadecimal digits */
	int64_t size;                /**< bytes of the object, at least 0 */
};

/**
 * TRUE if the SIZE bytes at CONTENT are what git-lfs takes for a pointer (its docs/spec.md, and
 * where that is strict and its decoder is not, the decoder): the keys version, ext-N-NAME …, oid,
 * size in this order. Neither FALSE nor a pointer of 0 bytes, whose object nobody stores, is an
 * error. Pure.
 */
gboolean lfs_pointer_parse(const char *content, size_t size, struct lfs_pointer *pointer);

#endif
