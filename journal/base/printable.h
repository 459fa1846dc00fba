#ifndef FORGE_JOURNAL_BASE_PRINTABLE_H
#define FORGE_JOURNAL_BASE_PRINTABLE_H

/**
 * TEXT, which is UTF-8, with U+FFFD for every character that cannot be printed: control characters,
 * line breaks among them, and marks that turn the direction of what follows. Text from outside
 * passes through here before a terminal sees it. Caller frees.
 */
char *printable_text(const char *text);

#endif
