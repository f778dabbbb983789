// Values by a key, as `Map.groupBy` does it in newer browsers.

/** The values by `key(value)`, in the order in which the keys come first. */
export function grouped(values, key) {
  const groups = new Map();
  for (const value of values) {
    const name = key(value);
    if (groups.has(name)) groups.get(name).push(value);
    else groups.set(name, [value]);
  }
  return groups;
}
