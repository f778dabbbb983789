// A plugin of Provost. Each role is one function below. `provost plugin build` makes plugin.h, from the contract, in target/bindings.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

// The settings that the operator writes under `[plugins.outage-c] settings`, with their defaults. All are whole numbers.
static struct setting {
    const char *key;
    uint64_t value;
} settings[] = {
    {"tries", 5},           // the number of failures in a row after which a process is given up
    {"pause_ms", 500},      // the delay before the first restart; the second one is twice as long, and so on
};
#define SETTINGS (sizeof settings / sizeof *settings)

// Writes formatted text, of at most 255 bytes, into a string that the host frees.
static void text(plugin_string_t *to, const char *format, ...) {
    char buffer[256];
    va_list values;
    va_start(values, format);
    vsnprintf(buffer, sizeof buffer, format, values);
    va_end(values);
    plugin_string_dup(to, buffer);
}

static void log_line(provost_plugin_log_level_t level, const char *message) {
    plugin_string_t line;
    plugin_string_set(&line, message);
    provost_plugin_log_write(level, &line);
}

// Logs a message with its line, and ends the call. The host would know the end only as `unreachable`.
#define FAIL(message) fail(message, __LINE__)
_Noreturn static void fail(const char *message, int line) {
    char buffer[256];
    snprintf(buffer, sizeof buffer, "%s at src/plugin.c:%d", message, line);
    log_line(PROVOST_PLUGIN_LOG_LEVEL_ERROR, buffer);
    __builtin_trap();
}

static const char *skip(const char *at, const char *end) {
    while (at < end && strchr(" \t\r\n", *at)) at++;
    return at;
}

// Reads settings from a JSON object of whole numbers. Returns false and an error that names the wrong key.
static bool read_settings(const plugin_string_t *json, plugin_string_t *error) {
    const char *at = (const char *)json->ptr, *end = at + json->len;
    at = skip(at, end);
    if (at < end && *at == '{') at = skip(at + 1, end);
    while (at < end && *at == '"') {
        const char *key = ++at;
        while (at < end && *at != '"') at++;
        int length = (int)(at - key);
        struct setting *found = NULL;
        for (size_t i = 0; i < SETTINGS; i++) {
            if (strlen(settings[i].key) == (size_t)length && !memcmp(settings[i].key, key, length)) found = &settings[i];
        }
        if (!found) {
            text(error, "settings: %.*s is unknown", length, key);
            return false;
        }
        at = skip(at + 1, end);
        if (at < end && *at == ':') at = skip(at + 1, end);
        uint64_t value = 0;
        const char *first = at;
        for (; at < end && *at >= '0' && *at <= '9' && at - first < 18; at++) value = value * 10 + (uint64_t)(*at - '0');
        const char *behind = skip(at, end);
        if (at == first || behind == end || (*behind != ',' && *behind != '}')) {
            text(error, "settings: %s: expected a whole number from 0 on", found->key);
            return false;
        }
        found->value = value;
        at = *behind == ',' ? skip(behind + 1, end) : behind;
    }
    return true;
}

static uint64_t setting(const char *key) {
    static bool known = false;
    if (!known) {
        plugin_string_t json, error;
        provost_plugin_settings_json(&json);
        if (!read_settings(&json, &error)) FAIL("the settings are wrong");
        plugin_string_free(&json);
        known = true;
    }
    for (size_t i = 0; i < SETTINGS; i++) {
        if (!strcmp(settings[i].key, key)) return settings[i].value;
    }
    FAIL(key);
}

bool exports_provost_plugin_configurable_validate_settings(plugin_string_t *json, plugin_string_t *error) {
    bool good = read_settings(json, error);
    plugin_string_free(json);
    return good;
}

// Restarts what fails, each time a little later, and gives up after `tries` failures in a row. While several processes, and more
// than half of all, are down, the fault is somewhere else, and it goes on trying.
void exports_provost_plugin_restart_policy_on_exit(exports_provost_plugin_restart_policy_ended_t *ended,
                                                   exports_provost_plugin_restart_policy_borrow_snapshot_t world,
                                                   exports_provost_plugin_restart_policy_decision_t *ret) {
    uint32_t failures = ended->failures;
    provost_plugin_snapshots_counts_t counts;
    provost_plugin_snapshots_method_snapshot_counts(world, &counts);
    uint32_t down = counts.backoff + counts.exited + counts.fatal;
    uint32_t size = provost_plugin_snapshots_method_snapshot_size(world);
    if (failures == 0) {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_ACTION_STAY_DOWN;
        text(&ret->reason, "it has done its work");
    } else if (failures > setting("tries") && down > 1 && 2 * down > size) {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_ACTION_RESTART;
        ret->action.val.restart.delay = setting("pause_ms") * setting("tries");
        ret->action.val.restart.scope = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_SCOPE_ITSELF;
        text(&ret->reason, "%u of %u processes are down: an outage", (unsigned)down, (unsigned)size);
    } else if (failures > setting("tries")) {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_ACTION_GIVE_UP;
        ret->action.val.give_up.tag = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_ESCALATION_NOTHING;
        text(&ret->reason, "failed %u times in a row", (unsigned)failures);
    } else {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_ACTION_RESTART;
        ret->action.val.restart.delay = setting("pause_ms") * failures;
        ret->action.val.restart.scope = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_SCOPE_ITSELF;
        text(&ret->reason, "try %u of %llu", (unsigned)failures, (unsigned long long)setting("tries"));
    }
    exports_provost_plugin_restart_policy_ended_free(ended);
}

