// The contract between Provost and its plugins, for editors: what can be imported, and what a role gets and returns.
// It describes the interfaces of provost:plugin@{{contract}}, whose WIT is in wit/deps/provost-plugin.

/** The types that all interfaces share. */
declare module 'provost:plugin/types@{{contract}}' {
  /** A span of time in milliseconds. */
  export type DurationMs = bigint;

  /** An instant in milliseconds since the Unix epoch, by the host's wall clock. */
  export type TimestampMs = bigint;

  /** The requested state of a process. */
  export type Desired =
    /** The process should run, or run to its end if it is a job. */
    | 'up'
    /** The process should not run. */
    | 'down';

  /** The observed phase of a process. In columns a phase is its position in this list: `stopped` is 0, `fatal` is 7. */
  export type Phase =
    /** Not running, and not meant to. */
    | 'stopped'
    /** Meant to run, but held back, for example by a dependency. */
    | 'waiting'
    /** Spawned, but not ready yet. */
    | 'starting'
    /** Spawned and ready. */
    | 'running'
    /** Asked to end. */
    | 'stopping'
    /** Ended, and due to be started again at `next-action-at`. */
    | 'backoff'
    /** Ended without having been asked to; the decision is pending, or is that it stays down. */
    | 'exited'
    /** Given up on; only `provost start` revives it. */
    | 'fatal';

  /** Why a process entered its phase. */
  export type Cause =
    /** The host started. */
    | { tag: 'boot' }
    /** A person asked for it on the command line. */
    | { tag: 'user' }
    /** A program asked for it through the API. */
    | { tag: 'api' }
    /** A policy decided it. */
    | { tag: 'policy' }
    /** The process ended without having been asked to. */
    | { tag: 'crash' }
    /** A process that it depends on. */
    | { tag: 'dependency' }
    /** A health check. */
    | { tag: 'health' }
    /** A schedule. */
    | { tag: 'schedule' }
    /** A watched file. */
    | { tag: 'watch' }
    /** The config was reloaded. */
    | { tag: 'reload' }
    /** The kernel ran out of memory. */
    | { tag: 'oom' }
    /** The host is stopping. */
    | { tag: 'shutdown' }
    /**
     * A cause that this version of the contract has no case for, as the word that `provost status -o json`
     * has for it.
     */
    | { tag: 'other'; val: string };

  /** The health of a process according to its checks. */
  export type Health =
    /** No check has finished yet, or there are none. */
    | 'unknown'
    /** The process works as it should. */
    | 'healthy'
    /** The process works, but not as it should. */
    | 'degraded'
    /** The process does not work. */
    | 'unhealthy';

  /** How an incarnation ended. */
  export type Exit =
    /** It exited with this code. */
    | { tag: 'code'; val: number }
    /** It was killed by the signal with this number: 1 to 31, or 34 to 64 (SIGRTMIN to SIGRTMAX). */
    | { tag: 'signal'; val: number }
    /** It could not be started; the reason, in words for people. */
    | { tag: 'not-spawned'; val: string }
    /**
     * It did not become ready in time (`ready = { within }`), and the host ended it; which check failed last and
     * why, in words for people. This is a failure, whatever the exit code was.
     */
    | { tag: 'not-ready'; val: string }
    /** It ended, but the host could not observe how. */
    | { tag: 'unobserved' }
    /** It ended in a way that this version of the contract has no case for, in words for people. This is a failure. */
    | { tag: 'other'; val: string };

  /** One unrequested end of a process. */
  export interface Death {
    /** The incarnation that ended. */
    incarnation: bigint;
    /** How it ended. */
    exit: Exit;
    /** When it ended. */
    at: TimestampMs;
    /** How long it was alive; 0 if it was never spawned. */
    uptime: DurationMs;
  }

  /** The decision about a process, and who made it. */
  export interface Ruling {
    /** The action, in words: `restart in 200 ms`, `stay down`, `give up`. */
    action: string;
    /** The name of the policy that decided, or `failsafe`. */
    by: string;
    /** Why, in the words of that policy. */
    reason: string;
  }

  /** One process at the instant of a snapshot. */
  export interface ProcessState {
    /** The name of the process in the operator's config. */
    name: string;
    /** The group of processes that share its fate; empty if it is in none. */
    group: string;
    /** The number of the current or last run, counted up at every spawn; 0 before the first. */
    incarnation: bigint;
    /** The number of changes of this process. */
    version: bigint;
    /** The snapshot generation in which it last changed. */
    generation: bigint;
    desired: Desired;
    phase: Phase;
    cause: Cause;
    /** Why it is in this phase, in words for people. */
    reason: string;
    /** The process id of the child, while there is one. */
    pid?: number;
    /**
     * Whether it is ready. A service is ready once it has become so in this incarnation; a job (`type = "job"`)
     * once it has ended with a success code and is `exited`.
     */
    ready: boolean;
    /** The health of this incarnation. */
    health: Health;
    /** How the last incarnation ended, if one has. */
    exit?: Exit;
    /** The number of restarts by a policy since the host started. */
    restarts: bigint;
    /**
     * The number of consecutive failures: ends other than a success (exit code 0; for a job its success codes)
     * since the last success, the last start by hand and the last incarnation that was alive for a minute.
     */
    failures: number;
    /** When the current or last incarnation started. */
    startedAt?: TimestampMs;
    /** When the last incarnation ended. */
    endedAt?: TimestampMs;
    /** When the host will act on it next, by starting or killing it. */
    nextActionAt?: TimestampMs;
    /** The last decision about it. */
    decision?: Ruling;
  }

  /** What a process and all of its descendants used at one instant. */
  export interface Usage {
    /** When it was read. */
    at: TimestampMs;
    /** The CPU time that the incarnation has used so far. */
    cpu: DurationMs;
    /** The CPU that it used on average since it was read before, in thousandths of a core; 0 the first time. */
    cpuMillis: number;
    /** The resident memory, in bytes. Memory that several of its processes share counts for each of them. */
    rssBytes: bigint;
    /**
     * The proportional set size, in bytes: memory that several processes share is divided among them. It is read
     * once a minute; absent before that, and if the kernel does not tell.
     */
    pssBytes?: bigint;
    /**
     * The number of open file descriptors. It is read once a minute; absent before that, and if the kernel does
     * not tell.
     */
    fds?: number;
    /** The number of threads. */
    threads: number;
    /** The number of operating-system processes: the main process and its living descendants. */
    members: number;
  }

  /** The subject of a change. */
  export type EventKind =
    /**
     * The process was added to the registry. Its name may be that of a process that was removed before: this is
     * another process, whose incarnations begin at 0.
     */
    | { tag: 'added' }
    /**
     * The process was removed from the registry, while it was at rest; `process` is its last state. It is the
     * last change of this process.
     */
    | { tag: 'removed' }
    /** It was requested to be up. */
    | { tag: 'start' }
    /** It was requested to be down. */
    | { tag: 'stop' }
    /** It was held back. */
    | { tag: 'waiting' }
    /** A child was spawned. */
    | { tag: 'spawned' }
    /** No child could be spawned. */
    | { tag: 'spawn-failed' }
    /** Its readiness check failed with another result than before. */
    | { tag: 'not-ready' }
    /** It did not become ready in time, and was asked to end. */
    | { tag: 'overdue' }
    /** It became ready. */
    | { tag: 'ready' }
    /** Its child ended. */
    | { tag: 'exited' }
    /** The host decided what follows its end. */
    | { tag: 'decided' }
    /** It was refused a start. */
    | { tag: 'refused' }
    /** Its health changed. */
    | { tag: 'health' }
    /**
     * The task that supervises it ended unexpectedly, and another one took over. The process itself was not
     * touched.
     */
    | { tag: 'taken-over' }
    /**
     * A change that this version of the contract has no case for, as the word that `provost events -o json`
     * has for it.
     */
    | { tag: 'other'; val: string };

  /** One change of one process. */
  export interface Event {
    /** The generation of the change; each change has its own. */
    generation: bigint;
    /** The time of the change. */
    at: TimestampMs;
    kind: EventKind;
    /** The phase before the change. */
    before: Phase;
    /** The process after the change; of a process that was removed, its last state. */
    process: ProcessState;
  }
}

/** Read-only access to all processes at one instant. */
declare module 'provost:plugin/snapshots@{{contract}}' {
  import type { ProcessState, Death, Phase, TimestampMs } from 'provost:plugin/types@{{contract}}';

  /** The number of processes in each phase. */
  export interface Counts {
    stopped: number;
    waiting: number;
    starting: number;
    running: number;
    stopping: number;
    backoff: number;
    exited: number;
    fatal: number;
  }

  /** The columns to fetch. */
  export interface Fields {
    names?: boolean;
    groups?: boolean;
    phases?: boolean;
    pids?: boolean;
    incarnations?: boolean;
    restarts?: boolean;
    failures?: boolean;
    startedAt?: boolean;
    endedAt?: boolean;
    exitCodes?: boolean;
  }

  /**
   * The texts of many rows in one string: row `i` is the bytes from `ends[i - 1]` (0 for the first row) up to
   * `ends[i]`.
   */
  export interface TextColumn {
    text: string;
    ends: Uint32Array;
  }

  /**
   * Rows, column by column: this takes a few nanoseconds a row where `page` takes a microsecond. A column that was
   * not requested is empty; all others have `size` rows.
   */
  export interface Columns {
    /** The number of rows. */
    size: number;
    names: TextColumn;
    groups: TextColumn;
    /** The position of the phase in `types.phase`, from 0. */
    phases: Uint8Array;
    /** 0 if there is no child. */
    pids: Uint32Array;
    incarnations: BigUint64Array;
    restarts: BigUint64Array;
    failures: Uint32Array;
    /** 0 if the process was never started. */
    startedAt: BigUint64Array;
    /** 0 if no incarnation has ended, or a new one is running. */
    endedAt: BigUint64Array;
    /**
     * The exit code of the last incarnation; 128 plus the number of a signal, as in shells; -1 if there is
     * none.
     */
    exitCodes: Int32Array;
  }

  /** The number of changed processes, when it exceeds the limit. */
  export type TooMany = number;

  /** One removal of a process. */
  export interface Removal {
    /** The name that the process had. Another process may have it since. */
    name: string;
    /** The generation of the removal. */
    generation: bigint;
  }

  /**
   * All processes at one generation. It is lent for the duration of a call and cannot be kept, so all reads see
   * the same instant.
   */
  export class Snapshot {
    private constructor();
    /** Returns the generation: the number of the change that produced this snapshot. */
    generation(): bigint;
    /** Returns the time of that change. */
    takenAt(): TimestampMs;
    /** Returns the number of processes. */
    size(): number;
    /** Returns the process with this name. */
    get(name: string): ProcessState | undefined;
    /**
     * Returns at most `limit` processes from position `offset` on, and never more than 1024. Positions are in the
     * order of the config.
     */
    page(offset: number, limit: number): ProcessState[];
    /** Returns the same rows as `page`, column by column and up to 65536 at once. For views and metrics. */
    columns(fields: Fields, offset: number, limit: number): Columns;
    /**
     * Returns the processes that have changed after `generation`, in the order of the config; unchanged ones cost
     * nothing. Pass the generation of the last snapshot that was read. If more than `limit` (or 1024) have
     * changed, none is returned: read all with `page`. Removed processes are not among them: see `removed-since`.
     * @throws a TooMany
     */
    changedSince(generation: bigint, limit: number): ProcessState[];
    /**
     * Returns the processes that were removed after `generation`, oldest first. Drop these names first, and then
     * take what `changed-since` returns for the same generation: a name that is in both belongs to a new process.
     * `none` if they are not all known, because the host remembers only the last removals, or if they are more
     * than 1024: then read all with `page`, and drop what is not among it.
     */
    removedSince(generation: bigint): Removal[] | undefined;
    /**
     * Returns the processes of this group, in the order of the config; at most 1024. The empty name selects the
     * processes without a group.
     */
    group(name: string): ProcessState[];
    /** Returns the number of processes in each phase. */
    counts(): Counts;
    /**
     * Returns the unrequested ends of the process with this name since it was last started by hand, newest first,
     * at most `limit`. The host remembers 100. Empty if there is no such process.
     */
    deaths(name: string, limit: number): Death[];
  }
}

/** The settings of the plugin. */
declare module 'provost:plugin/settings@{{contract}}' {
  /**
   * Returns what the operator wrote under `[plugins.NAME] settings`, as the text of a JSON object; `{}` if nothing.
   * It does not change while the plugin is loaded.
   */
  export function json(): string;
}

/**
 * Lets a plugin check its settings before it is used. Exporting it is optional; the host calls it at load and at each
 * swap.
 */
declare module 'provost:plugin/configurable@{{contract}}' {
  /**
   * Checks whether the plugin can work with these settings (the text of a JSON object). The error says why not and
   * names the field.
   *
   * @throws a string that says what is wrong
   */
  export function validateSettings(json: string): void;
}

/**
 * A small persistent key-value store, private to the plugin.
 *
 * What a call writes takes effect if the call succeeds, and is discarded if it fails. The store survives a swap of
 * the plugin's component and a restart of the host. Concurrent calls do not see each other's writes; if two write the
 * same key, the one that ends later wins.
 */
declare module 'provost:plugin/memory@{{contract}}' {
  /** Why a value cannot be written. The figures are the limits of the plugin. */
  export type Refusal =
    /** The key is empty or longer than this number of bytes. */
    | { tag: 'key-length'; val: number }
    /** All keys and values together would exceed this number of bytes. */
    | { tag: 'full'; val: bigint }
    /** A reason that this version of the contract has no case for, in words for people. */
    | { tag: 'other'; val: string };

  /** Returns the value of a key, as this call or else the last successful call has written it. */
  export function get(key: string): Uint8Array | undefined;

  /**
   * Sets the value of a key.
   *
   * @throws an error whose `payload` is a Refusal
   */
  export function set(key: string, value: Uint8Array): void;

  /** Deletes a key; does nothing if there is no such key. */
  function remove(key: string): void;
  export { remove as delete };

  /** Returns all keys in alphabetical order. */
  export function keys(): string[];
}

/** Writes lines into the host's log, marked with the name of the plugin. */
declare module 'provost:plugin/log@{{contract}}' {
  /** The severity of a line. */
  export type Level =
    | 'trace'
    | 'debug'
    | 'info'
    | 'warn'
    | 'error';

  /** Writes one line. The host cuts a line at 4096 bytes, and drops and counts lines beyond 100 a second. */
  export function write(level: Level, message: string): void;
}

/** The plugins of the host and their figures, for views that render metrics. */
declare module 'provost:plugin/plugins@{{contract}}' {
  /** Whether the host calls a plugin. */
  export type Standing =
    /** It was admitted and is called. */
    | { tag: 'active' }
    /** It was not admitted. */
    | { tag: 'refused' }
    /** It has failed too often recently and is not called for now. */
    | { tag: 'quarantined' }
    /** It is still being compiled. */
    | { tag: 'compiling' }
    /** A standing that this version of the contract has no case for, as one word. */
    | { tag: 'other'; val: string };

  /** The number of calls that failed in one way. */
  export interface FaultCount {
    /** `trap`, `deadline`, `memory`, `fuel`, `answer`, `busy`, `refused`, `compiling`, `quarantined` or `unloaded`. */
    kind: string;
    count: bigint;
  }

  /** The durations of calls, in nanoseconds; all 0 before the first call. */
  export interface Latency {
    p50: bigint;
    p95: bigint;
    p99: bigint;
    max: bigint;
  }

  /** One version of one plugin. Counts begin when the version is loaded. */
  export interface PluginVersion {
    /** The name of the plugin in the operator's config. */
    plugin: string;
    /** The number of the version, counted from 1 since the host started. */
    version: bigint;
    /** Whether this version answers calls. The other one is kept ready for a rollback. */
    inForce: boolean;
    standing: Standing;
    /** The roles that it exports, such as `restart-policy`. */
    roles: string[];
    /** The number of calls. */
    calls: bigint;
    /** The failed calls by kind, without kinds that have not occurred. */
    faults: FaultCount[];
    /** The number of answers that the host changed or refused because they were out of bounds. */
    clamps: bigint;
    call: Latency;
    /** The most fuel that one call has used. */
    fuelMax: bigint;
    /** The most memory that one instance has had, in bytes. */
    memoryBytesMax: bigint;
    /** The size of the plugin's memory store, in bytes. */
    storedBytes: bigint;
    /** The number of changes that are queued for it, if it is a consumer. */
    queued: bigint;
    /** The number of changes that it did not receive. */
    missed: bigint;
    /** The number of its log lines that were dropped because there were too many. */
    linesDropped: bigint;
    /** The number of attempts to reach something that it was not granted. */
    denials: bigint;
  }

  /** Returns all loaded versions in the order of the config, the version in force before the former one. */
  export function loaded(): PluginVersion[];
}

/** The resources that processes use, for views that render metrics. */
declare module 'provost:plugin/usages@{{contract}}' {
  import type { Usage } from 'provost:plugin/types@{{contract}}';

  /** What one process uses. */
  export interface ProcessUsage {
    /** The name of the process. */
    name: string;
    /** The group of the process; empty if it is in none. */
    group: string;
    /** The incarnation that was read. */
    incarnation: bigint;
    /** What it used at the last look, at most a few seconds ago. */
    usage: Usage;
  }

  /** Returns the usage of each process that has a child and was read, in the order of the snapshot. */
  export function processes(): ProcessUsage[];

  /** Returns what the host itself uses; `none` before the first look. */
  export function host(): Usage | undefined;
}

/**
 * Judges what to do when a process has ended without having been asked to. It is not asked about a job that has ended
 * with a success code: that stays down.
 *
 * A policy is a function of its trigger, the snapshot, its settings and its memory. It has no clock and no source of
 * randomness (`now` and `seed` are in the trigger), and every call runs in a fresh instance, so it keeps nothing else
 * from one call to the next. What it needs to remember is in the snapshot (see `deaths`), or goes into `memory`.
 */
declare module 'provost:plugin/restart-policy@{{contract}}' {
  import type { Exit, DurationMs, TimestampMs } from 'provost:plugin/types@{{contract}}';
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  /** The trigger: an incarnation has ended. */
  export interface Ended {
    /** The name of the process. */
    name: string;
    /** The group of the process; empty if it is in none. */
    group: string;
    /** The incarnation that ended. */
    incarnation: bigint;
    /** How it ended. */
    exit: Exit;
    /** How long it was alive; 0 if it was never spawned. */
    uptime: DurationMs;
    /** Whether it had become ready. */
    wasReady: boolean;
    /** The number of consecutive failures, this one included; 0 after a success. */
    failures: number;
    /** The number of restarts by a policy since the host started. */
    restarts: bigint;
    /** The time of the trigger. */
    now: TimestampMs;
    /** A seed for jitter: it looks random, and is the same when the same trigger is replayed. */
    seed: bigint;
  }

  /** Which processes are restarted. The names in brackets are the strategies of OTP's supervisors. */
  export type Scope =
    /** Only the process itself (one-for-one). */
    | 'itself'
    /**
     * Its whole group (one-for-all): the other members are stopped, in reverse order of the dependencies, and
     * started again in order. A process without a group is a group by itself.
     */
    | 'group'
    /**
     * The process and the members of its group that come after it (rest-for-one): those that depend on it, or
     * else stand behind it in the config.
     */
    | 'rest';

  /** The parameters of a restart. */
  export interface Restarting {
    /**
     * The delay, counted from the end of the process. The host refuses a delay above its ceiling
     * (`host.restart_delay_max`, one hour by default) and asks the next policy in the chain instead.
     */
    delay: DurationMs;
    /** Which processes are restarted with it. */
    scope: Scope;
  }

  /** What else happens when a process is given up. */
  export type Escalation =
    /** Nothing: its dependents go on waiting, or running. */
    | { tag: 'nothing' }
    /** The processes that depend on it, directly or not, are stopped. */
    | { tag: 'stop-dependents' }
    /** All of its group is stopped and given up. */
    | { tag: 'give-up-group' }
    /** The host stops all processes in order and exits with this code. */
    | { tag: 'shut-down'; val: number };

  /** What to do. */
  export type Action =
    /** Start the process again. */
    | { tag: 'restart'; val: Restarting }
    /** Leave the process down: its work is done. */
    | { tag: 'stay-down' }
    /** Give up on the process: it is `fatal` until somebody starts it. */
    | { tag: 'give-up'; val: Escalation }
    /** No opinion: the next policy in the process's chain decides, and the failsafe if there is none left. */
    | { tag: 'pass' };

  /** The answer. */
  export interface Decision {
    action: Action;
    /**
     * Why, in words for people: shown by `provost status`, `events` and `explain`. It should name the figure that
     * decided. The host cuts it at 512 bytes.
     */
    reason: string;
  }

  /**
   * Decides what follows an end. `world` is the snapshot in which the process has just become `exited`; this end is
   * its newest death.
   */
  export function onExit(ended: Ended, world: Snapshot): Decision;
}

/**
 * Judges whether a process may be spawned, each time that it is about to be.
 *
 * The documentation of `restart-policy` on what a policy is applies here as well. A policy cannot veto a stop.
 */
declare module 'provost:plugin/start-policy@{{contract}}' {
  import type { Cause, DurationMs, TimestampMs } from 'provost:plugin/types@{{contract}}';
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  /** The trigger: a process is about to be spawned; all of its dependencies are met. */
  export interface Plan {
    /** The name of the process. */
    name: string;
    /** The group of the process; empty if it is in none. */
    group: string;
    /** The incarnation that would be spawned. */
    incarnation: bigint;
    /** Why it is to be started. */
    cause: Cause;
    /** How long this incarnation has already waited for this policy. */
    waited: DurationMs;
    /** The number of consecutive failures before it. */
    failures: number;
    /** The time of the trigger. */
    now: TimestampMs;
    /** A seed for jitter: it looks random, and is the same when the same trigger is replayed. */
    seed: bigint;
  }

  /** One environment variable. */
  export interface Variable {
    name: string;
    value: string;
  }

  /** What to do. */
  export type Action =
    /**
     * Spawn it, with these variables added to the environment of this incarnation only. They override those of
     * the config. The host sets only those variables that the operator has granted by name (`set-env:NAME` in
     * `allow`); it drops every other one, says so in the reason of the start, and counts it as denied.
     */
    | { tag: 'allow'; val: Variable[] }
    /** Not yet: ask again after this delay. The host's ceiling (`host.restart_delay_max`) applies here, too. */
    | { tag: 'wait'; val: DurationMs }
    /** Do not spawn it: it is `fatal` until somebody starts it. */
    | { tag: 'refuse' }
    /** No opinion: the next policy in the process's chain decides; if none does, the start is allowed. */
    | { tag: 'pass' };

  /** The answer. */
  export interface Decision {
    action: Action;
    /** Why, in words for people. The host cuts it at 512 bytes. */
    reason: string;
  }

  /** Decides whether the process starts. `world` is the snapshot in which it is `waiting` or in `backoff`. */
  export function beforeStart(plan: Plan, world: Snapshot): Decision;
}

/**
 * Judges the results of the health checks of a running process (`[process.NAME] health`).
 *
 * The documentation of `restart-policy` on what a policy is applies here as well.
 */
declare module 'provost:plugin/health-policy@{{contract}}' {
  import type { DurationMs, Health, TimestampMs } from 'provost:plugin/types@{{contract}}';
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  /** The trigger: a check has finished. */
  export interface Observation {
    /** The name of the process. */
    name: string;
    /** The group of the process; empty if it is in none. */
    group: string;
    /** The incarnation that was checked. */
    incarnation: bigint;
    /** Whether the check succeeded. */
    passed: boolean;
    /** The result of the check, in words for people. */
    detail: string;
    /** The duration of the check. */
    took: DurationMs;
    /** The number of consecutive checks with the same outcome, this one included. */
    inARow: number;
    /** The health of the process before this check. */
    before: Health;
    /** How long this incarnation has been alive. */
    uptime: DurationMs;
    /** The time of the trigger. */
    now: TimestampMs;
    /** A seed for jitter: it looks random, and is the same when the same trigger is replayed. */
    seed: bigint;
  }

  /** What to do. */
  export type Action =
    /** The process is healthy. */
    | 'healthy'
    /** The process works, but not as it should. Nothing is done about it. */
    | 'degraded'
    /** The process does not work. Nothing is done about it. */
    | 'unhealthy'
    /** The process does not work: stop it, with its signal and its grace time, and start it again. */
    | 'restart'
    /**
     * No opinion: the next policy in the process's chain decides. If none does, the process is healthy after a
     * success, and restarted after as many consecutive failures as its config says (`failures`, 3).
     */
    | 'pass';

  /** The answer. */
  export interface Decision {
    action: Action;
    /** Why, in words for people. The host cuts it at 512 bytes. */
    reason: string;
  }

  /** Decides what a check means. `world` is a snapshot in which the process is `running`. */
  export function onProbe(observation: Observation, world: Snapshot): Decision;
}

/**
 * Judges how many replicas of a process should run (`[process.NAME] replicas = { min, max, every }`).
 *
 * The documentation of `restart-policy` on what a policy is applies here as well.
 */
declare module 'provost:plugin/scale-policy@{{contract}}' {
  import type { TimestampMs } from 'provost:plugin/types@{{contract}}';
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  /** The trigger: the interval `every` has passed. */
  export interface Demand {
    /** The name of the process in the config: its replicas are `name.1`, `name.2` and so on. */
    name: string;
    /** The group of its replicas; empty if they are in none. */
    group: string;
    /** The number of replicas that are currently wanted. */
    wanted: number;
    /** The number of replicas that are `running`. */
    running: number;
    /** The minimum that the config allows. */
    least: number;
    /** The maximum that the config allows. */
    most: number;
    /** The time of the trigger. */
    now: TimestampMs;
    /** A seed for jitter: it looks random, and is the same when the same trigger is replayed. */
    seed: bigint;
  }

  /** What to do. */
  export type Action =
    /** Run this number of replicas. The host clamps it to `least` and `most`, and counts each time that it has to. */
    | { tag: 'replicas'; val: number }
    /** No opinion: the next policy in the process's chain decides; if none does, the number stays as it is. */
    | { tag: 'pass' };

  /** The answer. */
  export interface Decision {
    action: Action;
    /** Why, in words for people. The host cuts it at 512 bytes. */
    reason: string;
  }

  /** Decides how many replicas should run. */
  export function replicas(demand: Demand, world: Snapshot): Decision;
}

/**
 * Judges the resources that a running process uses, each time that they were read (`[process.NAME] usage = { every }`).
 *
 * The documentation of `restart-policy` on what a policy is applies here as well.
 */
declare module 'provost:plugin/usage-policy@{{contract}}' {
  import type { Usage, DurationMs, TimestampMs } from 'provost:plugin/types@{{contract}}';
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  /** The trigger: the usage was read. */
  export interface Sample {
    /** The name of the process. */
    name: string;
    /** The group of the process; empty if it is in none. */
    group: string;
    /** The incarnation that was read. */
    incarnation: bigint;
    /** What it uses now. */
    usage: Usage;
    /** The usage at the triggers before this one, of the same incarnation, newest first; at most 60. */
    former: Usage[];
    /** How long this incarnation has been alive. */
    uptime: DurationMs;
    /** The time of the trigger. */
    now: TimestampMs;
    /** A seed for jitter: it looks random, and is the same when the same trigger is replayed. */
    seed: bigint;
  }

  /** What to do. */
  export type Action =
    /** Let it run. No other policy is asked about this sample. */
    | { tag: 'keep' }
    /**
     * Stop it with its signal, and start it again. It may take this long to end before it is killed; `none` means
     * its own grace time (`stop.grace`). The host's ceiling (`host.restart_delay_max`) applies here, too. The host
     * does not restart it more often than `host.restart_budget` allows: then it keeps running.
     */
    | { tag: 'restart'; val: DurationMs | undefined }
    /** No opinion: the next policy in the process's chain decides; if none does, it keeps running. */
    | { tag: 'pass' };

  /** The answer. */
  export interface Decision {
    action: Action;
    /** Why, in words for people. It should name the figure that decided. The host cuts it at 512 bytes. */
    reason: string;
  }

  /** Decides what a sample means. `world` is a snapshot in which the process is `running`. */
  export function onSample(sample: Sample, world: Snapshot): Decision;
}

/** Renders status on request: `provost view NAME [PATH]`, and HTTP. */
declare module 'provost:plugin/status-view@{{contract}}' {
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  export interface Request {
    /** The part of the request after the plugin's name, without a leading slash; often empty. */
    path: string;
    /** The query, without the question mark; often empty. */
    query: string;
  }

  export interface Response {
    /** A media type, such as `text/plain; charset=utf-8`. */
    contentType: string;
    body: Uint8Array;
    /**
     * The status code of HTTP: 200 to 299, or 400 to 599, as for a path that the view does not have. `provost view`
     * ends with exit code 1 if it is 400 or more.
     */
    status: number;
  }

  /** Renders `world`. Every call runs in a fresh instance. */
  export function render(request: Request, world: Snapshot): Response;
}

/**
 * Receives every change, in order.
 *
 * A consumer is long-lived: what it keeps in its linear memory stays until it fails. It runs on its own thread and can
 * only slow down itself. If it falls behind, changes of the same process are merged into the latest one, except that
 * `added` and `removed` are always delivered, each once. Changes of two processes that have had the same name one after
 * the other are never merged. What it missed is counted; if that is more than was merged, the host no longer knows
 * which changes they were, removals included: the current state is in the snapshot.
 */
declare module 'provost:plugin/status-consumer@{{contract}}' {
  import type { Event } from 'provost:plugin/types@{{contract}}';
  import type { Snapshot } from 'provost:plugin/snapshots@{{contract}}';

  /** The changes since the last call. */
  export interface Batch {
    /** The changes, oldest first; at most 1024. */
    events: Event[];
    /** The number of changes since the last call that are not among them. */
    missed: bigint;
  }

  /**
   * Processes a batch. `world` contains all of it. The first call after the host has started, or after the consumer
   * has failed, begins with the changes from then on.
   */
  export function onChange(batch: Batch, world: Snapshot): void;
}
