// A plugin of Provost. Each role is one exported object below.

import { json } from 'provost:plugin/settings@0.1.0';
import { write } from 'provost:plugin/log@0.1.0';

// The settings that the operator writes under `[plugins.outage-js] settings`, with their defaults.
const DEFAULTS = {
  tries: 5, // the number of failures in a row after which a process is given up
  pause_ms: 500, // the delay before the first restart; the second one is twice as long, and so on
};

// Reads settings. An error names the wrong key.
function read(text) {
  const given = JSON.parse(text);
  for (const [key, value] of Object.entries(given)) {
    if (!(key in DEFAULTS)) throw new Error(`settings: ${key} is unknown, expected one of ${Object.keys(DEFAULTS).join(', ')}`);
    const wanted = typeof DEFAULTS[key];
    if (typeof value !== wanted) throw new Error(`settings: ${key}: expected a ${wanted}, not ${JSON.stringify(value)}`);
    if (wanted === 'number' && !(Number.isInteger(value) && value >= 0)) throw new Error(`settings: ${key}: expected a whole number from 0 on`);
  }
  return { ...DEFAULTS, ...given };
}

// Wraps the function of a role: it is given the settings first, and an exception is logged with its message and line before it ends
// the call. The host would know it only as `unreachable`.
function role(judge) {
  return (...input) => {
    try {
      return judge(read(json()), ...input);
    } catch (error) {
      write('error', `${error}\n${error.stack ?? ''}`.trim().split('\n').slice(0, 3).join(' | '));
      throw error;
    }
  };
}

export const configurable = {
  validateSettings(text) {
    try {
      read(text);
    } catch (error) {
      throw error.message;
    }
  },
};

// Restarts what fails, each time a little later, and gives up after `tries` failures in a row. While several processes, and more
// than half of all, are down, the fault is somewhere else, and it goes on trying.
export const restartPolicy = {
  onExit: role((settings, ended, world) => {
    if (ended.failures === 0) return { action: { tag: 'stay-down' }, reason: 'it has done its work' };
    if (ended.failures > settings.tries) {
      const { backoff, exited, fatal } = world.counts();
      const down = backoff + exited + fatal;
      if (down > 1 && 2 * down > world.size()) {
        return {
          action: { tag: 'restart', val: { delay: BigInt(settings.pause_ms * settings.tries), scope: 'itself' } },
          reason: `${down} of ${world.size()} processes are down: an outage`,
        };
      }
      return { action: { tag: 'give-up', val: { tag: 'nothing' } }, reason: `failed ${ended.failures} times in a row` };
    }
    return {
      action: { tag: 'restart', val: { delay: BigInt(settings.pause_ms * ended.failures), scope: 'itself' } },
      reason: `try ${ended.failures} of ${settings.tries}`,
    };
  }),
};

