// A plugin of Provost. Each role is one exported object below. Editors take the types from provost.d.ts.
// @ts-check

import { json } from 'provost:plugin/settings@{{contract}}';
import { write } from 'provost:plugin/log@{{contract}}';

// The settings that the operator writes under `[plugins.{{name}}] settings`, with their defaults. settings.schema.json describes them.
const DEFAULTS = {
  // [[restart-policy]]
  tries: 5, // the number of failures in a row after which a process is given up
  pause_ms: 500, // the delay before the first restart; the second one is twice as long, and so on
  // [[start-policy]]
  settle_ms: 1000, // how long a process waits before it is started after a failure
  // [[health-policy]]
  failed_checks: 3, // the number of failed checks in a row after which a process is restarted
  // [[scale-policy]]
  busy_from: 8, // the first hour of the day (UTC) in which all replicas run
  busy_to: 18, // the last one
  // [[usage-policy]]
  memory_mib_max: 512, // the resident memory above which a process is restarted
  // [[status-view]]
  title: 'Processes', // the first line of the page
  // [[status-consumer]]
  verbose: false, // whether a process that becomes ready is logged, too
  // [[]]
};

/** @typedef {typeof DEFAULTS} Settings */

/**
 * Reads settings. An error names the wrong key.
 * @param {string} text
 * @returns {Settings}
 */
function read(text) {
  const given = JSON.parse(text);
  /** @type {Record<string, unknown>} */
  const defaults = DEFAULTS;
  for (const [key, value] of Object.entries(given)) {
    if (!(key in defaults)) throw new Error(`settings: ${key} is unknown, expected one of ${Object.keys(DEFAULTS).join(', ')}`);
    const wanted = typeof defaults[key];
    if (typeof value !== wanted) throw new Error(`settings: ${key}: expected a ${wanted}, not ${JSON.stringify(value)}`);
    if (wanted === 'number' && !(Number.isInteger(value) && value >= 0)) throw new Error(`settings: ${key}: expected a whole number from 0 on`);
  }
  return { ...DEFAULTS, ...given };
}

/**
 * Wraps the function of a role: it is given the settings first, and an exception is logged with its message and line before it ends
 * the call. The host would know it only as `unreachable`.
 * @template {unknown[]} Input
 * @template Output
 * @param {(settings: Settings, ...input: Input) => Output} judge
 * @returns {(...input: Input) => Output}
 */
function role(judge) {
  return (...input) => {
    try {
      return judge(read(json()), ...input);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      write('error', `${error}\n${stack ?? ''}`.trim().split('\n').slice(0, 3).join(' | '));
      throw error;
    }
  };
}

/** @type {typeof import('provost:plugin/configurable@{{contract}}')} */
export const configurable = {
  validateSettings(text) {
    try {
      read(text);
    } catch (error) {
      throw error instanceof Error ? error.message : String(error);
    }
  },
};

// [[restart-policy]]
/**
 * Restarts what fails, each time a little later, and gives up after `tries` failures in a row.
 * @type {typeof import('provost:plugin/restart-policy@{{contract}}')}
 */
export const restartPolicy = {
  onExit: role((settings, ended, world) => {
    if (ended.failures === 0) return { action: { tag: 'stay-down' }, reason: 'it has done its work' };
    if (ended.failures > settings.tries) {
      return { action: { tag: 'give-up', val: { tag: 'nothing' } }, reason: `failed ${ended.failures} times in a row` };
    }
    return {
      action: { tag: 'restart', val: { delay: BigInt(settings.pause_ms * ended.failures), scope: 'itself' } },
      reason: `try ${ended.failures} of ${settings.tries}`,
    };
  }),
};

// [[start-policy]]
/**
 * Starts a process that has failed only after it has waited for `settle_ms`.
 * @type {typeof import('provost:plugin/start-policy@{{contract}}')}
 */
export const startPolicy = {
  beforeStart: role((settings, plan, world) => {
    const rest = settings.settle_ms - Number(plan.waited);
    if (plan.failures === 0 || rest <= 0) return { action: { tag: 'allow', val: [] }, reason: 'nothing speaks against it' };
    return { action: { tag: 'wait', val: BigInt(rest) }, reason: `${plan.failures} failures before: waiting ${rest} ms` };
  }),
};

// [[health-policy]]
/**
 * Restarts a process after `failed_checks` failed checks in a row; until then it is degraded.
 * @type {typeof import('provost:plugin/health-policy@{{contract}}')}
 */
export const healthPolicy = {
  onProbe: role((settings, observation, world) => {
    const row = observation.inARow;
    if (observation.passed) return { action: 'healthy', reason: `${row} checks in a row have passed` };
    if (row >= settings.failed_checks) return { action: 'restart', reason: `${row} checks in a row have failed` };
    return { action: 'degraded', reason: `check ${row} of ${settings.failed_checks} in a row has failed` };
  }),
};

// [[scale-policy]]
/**
 * Runs all replicas in the busy hours of the day, and the fewest at other times.
 * @type {typeof import('provost:plugin/scale-policy@{{contract}}')}
 */
export const scalePolicy = {
  replicas: role((settings, demand, world) => {
    const hour = Math.floor(Number(demand.now) / 3600000) % 24;
    const busy = hour >= settings.busy_from && hour <= settings.busy_to;
    return {
      action: { tag: 'replicas', val: busy ? demand.most : demand.least },
      reason: `${hour} h is ${busy ? 'busy' : 'quiet'}`,
    };
  }),
};

// [[usage-policy]]
/**
 * Restarts a process that uses more memory than `memory_mib_max`.
 * @type {typeof import('provost:plugin/usage-policy@{{contract}}')}
 */
export const usagePolicy = {
  onSample: role((settings, sample, world) => {
    const used = Number(sample.usage.rssBytes >> 20n);
    if (used > settings.memory_mib_max) {
      return { action: { tag: 'restart', val: undefined }, reason: `${used} MiB, more than ${settings.memory_mib_max}` };
    }
    return { action: { tag: 'keep' }, reason: `${used} of ${settings.memory_mib_max} MiB` };
  }),
};

// [[status-view]]
/**
 * Renders a line for each process: `provost view {{name}}`.
 * @type {typeof import('provost:plugin/status-view@{{contract}}')}
 */
export const statusView = {
  render: role((settings, request, world) => {
    /** @type {(status: number, text: string) => import('provost:plugin/status-view@{{contract}}').Response} */
    const answer = (status, text) => ({ contentType: 'text/plain; charset=utf-8', body: new TextEncoder().encode(text), status });
    if (request.path !== '') return answer(404, 'there is no such page\n');
    const rows = world.page(0, 1024).map((process) => `${process.name} ${process.phase} ${process.restarts}\n`);
    return answer(200, `${settings.title}\n${rows.join('')}`);
  }),
};

// [[status-consumer]]
/**
 * Logs the processes that are given up on, and with `verbose` those that become ready.
 * @type {typeof import('provost:plugin/status-consumer@{{contract}}')}
 */
export const statusConsumer = {
  onChange: role((settings, batch, world) => {
    for (const { process, before } of batch.events) {
      if (process.phase === 'fatal' && before !== 'fatal') {
        write('warn', `${process.name} is given up on: ${process.reason}`);
      } else if (settings.verbose && process.ready && before === 'starting') {
        write('info', `${process.name} is ready`);
      }
    }
  }),
};
// [[]]
