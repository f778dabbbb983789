// A plugin of Provost. Each role is one function below. `provost plugin build` makes plugin.h, from the contract, in target/bindings.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

// The settings that the operator writes under `[plugins.{{name}}] settings`, with their defaults. All are whole numbers.
static struct setting {
    const char *key;
    uint64_t value;
} settings[] = {
    // [[restart-policy]]
    {"tries", 5},           // the number of failures in a row after which a process is given up
    {"pause_ms", 500},      // the delay before the first restart; the second one is twice as long, and so on
    // [[start-policy]]
    {"settle_ms", 1000},    // how long a process waits before it is started after a failure
    // [[health-policy]]
    {"failed_checks", 3},   // the number of failed checks in a row after which a process is restarted
    // [[scale-policy]]
    {"busy_from", 8},       // the first hour of the day (UTC) in which all replicas run
    {"busy_to", 18},        // the last one
    // [[usage-policy]]
    {"memory_mib_max", 512}, // the resident memory above which a process is restarted
    // [[status-view]]
    {"restarts_min", 0},    // only processes with at least as many restarts are on the page
    // [[status-consumer]]
    {"verbose", 0},         // 1: a process that becomes ready is logged, too
    // [[]]
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
    snprintf(buffer, sizeof buffer, "%s at {{source}}:%d", message, line);
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

// [[restart-policy]]
// Restarts what fails, each time a little later, and gives up after `tries` failures in a row.
void exports_provost_plugin_restart_policy_on_exit(exports_provost_plugin_restart_policy_ended_t *ended,
                                                   exports_provost_plugin_restart_policy_borrow_snapshot_t world,
                                                   exports_provost_plugin_restart_policy_decision_t *ret) {
    (void)world;
    uint32_t failures = ended->failures;
    if (failures == 0) {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_RESTART_POLICY_ACTION_STAY_DOWN;
        text(&ret->reason, "it has done its work");
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

// [[start-policy]]
// Starts a process that has failed only after it has waited for `settle_ms`.
void exports_provost_plugin_start_policy_before_start(exports_provost_plugin_start_policy_plan_t *plan,
                                                      exports_provost_plugin_start_policy_borrow_snapshot_t world,
                                                      exports_provost_plugin_start_policy_decision_t *ret) {
    (void)world;
    uint64_t settle = setting("settle_ms");
    if (plan->failures == 0 || plan->waited >= settle) {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_START_POLICY_ACTION_ALLOW;
        ret->action.val.allow.ptr = NULL;
        ret->action.val.allow.len = 0;
        text(&ret->reason, "nothing speaks against it");
    } else {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_START_POLICY_ACTION_WAIT;
        ret->action.val.wait = settle - plan->waited;
        text(&ret->reason, "%u failures before: waiting %llu ms", (unsigned)plan->failures,
             (unsigned long long)(settle - plan->waited));
    }
    exports_provost_plugin_start_policy_plan_free(plan);
}

// [[health-policy]]
// Restarts a process after `failed_checks` failed checks in a row; until then it is degraded.
void exports_provost_plugin_health_policy_on_probe(exports_provost_plugin_health_policy_observation_t *observation,
                                                   exports_provost_plugin_health_policy_borrow_snapshot_t world,
                                                   exports_provost_plugin_health_policy_decision_t *ret) {
    (void)world;
    unsigned row = (unsigned)observation->in_a_row, most = (unsigned)setting("failed_checks");
    if (observation->passed) {
        ret->action = EXPORTS_PROVOST_PLUGIN_HEALTH_POLICY_ACTION_HEALTHY;
        text(&ret->reason, "%u checks in a row have passed", row);
    } else if (row >= most) {
        ret->action = EXPORTS_PROVOST_PLUGIN_HEALTH_POLICY_ACTION_RESTART;
        text(&ret->reason, "%u checks in a row have failed", row);
    } else {
        ret->action = EXPORTS_PROVOST_PLUGIN_HEALTH_POLICY_ACTION_DEGRADED;
        text(&ret->reason, "check %u of %u in a row has failed", row, most);
    }
    exports_provost_plugin_health_policy_observation_free(observation);
}

// [[scale-policy]]
// Runs all replicas in the busy hours of the day, and the fewest at other times.
void exports_provost_plugin_scale_policy_replicas(exports_provost_plugin_scale_policy_demand_t *demand,
                                                  exports_provost_plugin_scale_policy_borrow_snapshot_t world,
                                                  exports_provost_plugin_scale_policy_decision_t *ret) {
    (void)world;
    uint64_t hour = demand->now / 3600000 % 24;
    bool busy = hour >= setting("busy_from") && hour <= setting("busy_to");
    ret->action.tag = EXPORTS_PROVOST_PLUGIN_SCALE_POLICY_ACTION_REPLICAS;
    ret->action.val.replicas = busy ? demand->most : demand->least;
    text(&ret->reason, "%u h is %s", (unsigned)hour, busy ? "busy" : "quiet");
    exports_provost_plugin_scale_policy_demand_free(demand);
}

// [[usage-policy]]
// Restarts a process that uses more memory than `memory_mib_max`.
void exports_provost_plugin_usage_policy_on_sample(exports_provost_plugin_usage_policy_sample_t *sample,
                                                   exports_provost_plugin_usage_policy_borrow_snapshot_t world,
                                                   exports_provost_plugin_usage_policy_decision_t *ret) {
    (void)world;
    unsigned long long used = sample->usage.rss_bytes >> 20, most = setting("memory_mib_max");
    if (used > most) {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_USAGE_POLICY_ACTION_RESTART;
        ret->action.val.restart.is_some = false;
        text(&ret->reason, "%llu MiB, more than %llu", used, most);
    } else {
        ret->action.tag = EXPORTS_PROVOST_PLUGIN_USAGE_POLICY_ACTION_KEEP;
        text(&ret->reason, "%llu of %llu MiB", used, most);
    }
    exports_provost_plugin_usage_policy_sample_free(sample);
}

// [[status-view]]
// Renders a line for each process: `provost view {{name}}`.
void exports_provost_plugin_status_view_render(exports_provost_plugin_status_view_request_t *request,
                                               exports_provost_plugin_status_view_borrow_snapshot_t world,
                                               exports_provost_plugin_status_view_response_t *ret) {
    static const char *const PHASES[] = {"stopped", "waiting", "starting", "running", "stopping", "backoff", "exited", "fatal"};
    char *page = calloc(1, 1);
    size_t used = 0;
    ret->status = request->path.len == 0 ? 200 : 404;
    if (ret->status == 200) {
        provost_plugin_snapshots_list_process_state_t rows;
        provost_plugin_snapshots_method_snapshot_page(world, 0, 1024, &rows);
        for (size_t i = 0; i < rows.len; i++) {
            const provost_plugin_types_process_state_t *row = &rows.ptr[i];
            if (row->restarts < setting("restarts_min")) continue;
            size_t room = row->name.len + 64;
            page = realloc(page, used + room);
            if (!page) FAIL("there is no memory left");
            used += (size_t)snprintf(page + used, room, "%.*s %s %llu\n", (int)row->name.len, (const char *)row->name.ptr,
                                     PHASES[row->phase], (unsigned long long)row->restarts);
        }
        provost_plugin_snapshots_list_process_state_free(&rows);
    }
    text(&ret->content_type, "text/plain; charset=utf-8");
    ret->body.ptr = (uint8_t *)page;
    ret->body.len = used;
    exports_provost_plugin_status_view_request_free(request);
}

// [[status-consumer]]
// Logs the processes that are given up on, and with `verbose` those that become ready.
void exports_provost_plugin_status_consumer_on_change(exports_provost_plugin_status_consumer_batch_t *batch,
                                                      exports_provost_plugin_status_consumer_borrow_snapshot_t world) {
    (void)world;
    for (size_t i = 0; i < batch->events.len; i++) {
        const provost_plugin_types_event_t *event = &batch->events.ptr[i];
        const provost_plugin_types_process_state_t *process = &event->process;
        char line[256];
        if (process->phase == PROVOST_PLUGIN_TYPES_PHASE_FATAL && event->before != PROVOST_PLUGIN_TYPES_PHASE_FATAL) {
            snprintf(line, sizeof line, "%.*s is given up on: %.*s", (int)process->name.len, (const char *)process->name.ptr,
                     (int)process->reason.len, (const char *)process->reason.ptr);
            log_line(PROVOST_PLUGIN_LOG_LEVEL_WARN, line);
        } else if (setting("verbose") && process->ready && event->before == PROVOST_PLUGIN_TYPES_PHASE_STARTING) {
            snprintf(line, sizeof line, "%.*s is ready", (int)process->name.len, (const char *)process->name.ptr);
            log_line(PROVOST_PLUGIN_LOG_LEVEL_INFO, line);
        }
    }
    exports_provost_plugin_status_consumer_batch_free(batch);
}
// [[]]
