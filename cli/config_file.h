#ifndef FORGE_CLI_CONFIG_FILE_H
#define FORGE_CLI_CONFIG_FILE_H

#include <glib.h>

#include "journal/base/config.h"

/**
 * The row of config_keys() that KEY (`worker.jobs`, `hosts.github.com.clone`) is one of.
 * SETTING_NOT_FOUND names the nearest key. Caller frees.
 */
struct value *config_file_key(const char *key, GError **error);

/**
 * Sets KEY to TEXT in the file at PATH (followed, if it is a symlink; made, if it is not there), in
 * place: comments, order and everything else stay. What comes out is read as forge reads it before
 * it replaces the file, in one step and durably; else nothing is changed. Two at once wait for each
 * other. Errors: SETTING_NOT_FOUND; CONFIGURATION_INVALID (with line and key); SECURITY_REFUSED for
 * what looks like a token, which is never quoted; PERMISSION_DENIED, FAILED.
 */
gboolean config_file_set(const char *path, const char *key, const char *text, GError **error);

#endif
