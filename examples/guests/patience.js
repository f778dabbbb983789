// A restart policy in JavaScript.
export const restartPolicy = {
  onExit(ended, world) {
    if (ended.failures === 0) return { action: { tag: 'stay-down' }, reason: 'it has done its work' };
    return {
      action: { tag: 'restart', val: { delay: BigInt(50 * ended.failures), scope: 'itself' } },
      reason: `failure ${ended.failures} of ${world.size()} processes`,
    };
  },
};
