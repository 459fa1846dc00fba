#ifndef FORGE_TESTS_FUZZ_INPUT_H
#define FORGE_TESTS_FUZZ_INPUT_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a target is given, taken from its front piece by piece. Texts within one input are separated
 * by lines of `%%`, so that a corpus can be read and written by hand.
 */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

/** The next byte; 0 where nothing is left. */
uint8_t input_byte(struct fuzz_input *input);

/** The next SIZE bytes, or what is left; points into INPUT. */
struct fuzz_input input_bytes(struct fuzz_input *input, size_t size);

/** What comes before the next separator, or all that is left; points into INPUT. */
struct fuzz_input input_part(struct fuzz_input *input);

/** A copy of PART that ends where its memory ends, so that a sanitizer sees each byte read past it.
 * Caller frees. */
char *input_exact(const struct fuzz_input *part);

/** The same with a NUL byte behind it: a text that ends at its first one. Caller frees. */
char *input_text(const struct fuzz_input *part);

/** A folder in memory that only this process has and that goes with it. Borrowed. */
const char *input_folder(void);

/** Makes the file NAME in input_folder() hold PART. */
void input_write_file(const char *name, const struct fuzz_input *part);

/** Starts libgit2, for the whole process: to do so for each input takes longer than most inputs do. */
void input_start_git(void);

/** What libFuzzer, or replay.c, calls once for each input; each target defines it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
