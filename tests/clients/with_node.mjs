// The npm packages `@modelcontextprotocol/client` and `@modelcontextprotocol/sdk` as clients of `provost mcp` and of `/mcp`.
//
// Arguments: the folder with the packages, the binary, the directory of a running host, the URL of its service, and two tokens: one that
// may read, one that may operate.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const [packages, binary, directory, url, ...tokens] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const CHANGED = 'provost://processes/web';
const me = { name: 'test', version: '1' };

const restart = () => promisify(execFile)(binary, ['restart', '--wait', 'web'], { cwd: directory });
const server = (...more) => ({ command: binary, args: ['-c', `${directory}/provost.toml`, 'mcp', ...more] });

async function within(seconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never: ${what}`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lists tools, calls one, and sees a change. */
async function reads(client, onUpdated, subscribe) {
  const { tools } = await client.listTools();
  const status = tools.find((tool) => tool.name === 'process_status');
  assert.equal(status.outputSchema.type, 'object');
  assert.equal(status.annotations.readOnlyHint, true);
  const result = await client.callTool({ name: 'process_status', arguments: { names: ['web'] } });
  assert.equal(result.structuredContent.processes[0].name, 'web');
  const unknown = await client.callTool({ name: 'explain', arguments: { name: 'wep' } });
  assert.ok(unknown.isError && unknown.content[0].text.includes('did you mean `web`?'));
  for (const name of ['process_list', 'logs_search', 'events', 'config_diff', 'plugin_list', 'usage', 'state_figures']) {
    assert.ok(!(await client.callTool({ name, arguments: {} })).isError, name);
  }
  const read = await client.readResource({ uri: CHANGED });
  assert.equal(JSON.parse(read.contents[0].text).name, 'web');
  const updated = new Promise((resolve) => onUpdated((uri) => uri === CHANGED && resolve()));
  await subscribe();
  await restart();
  await within(60, updated, 'the change is seen');
  const refused = await client.callTool({ name: 'process_stop', arguments: { names: ['web'] } });
  const listed = tools.some((tool) => tool.name === 'process_stop');
  assert.equal(Boolean(refused.isError), !listed, JSON.stringify(refused));
  if (!listed) assert.ok(refused.content[0].text.includes('forbidden'));
  return `${tools.length} tools, a change seen, a change ${listed ? 'made' : 'refused'}`;
}

async function newer(transport, what) {
  const { Client } = require('@modelcontextprotocol/client');
  const client = new Client(me, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(transport);
  const onUpdated = (seen) =>
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => seen(params.uri));
  const subscribe = () => client.listen({ resourceSubscriptions: [CHANGED] });
  console.log(`npm client over ${what}, 2026-07-28: ${await reads(client, onUpdated, subscribe)}`);
  await client.close();
}

async function older(transport, what) {
  const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
  const { ResourceUpdatedNotificationSchema } = require('@modelcontextprotocol/sdk/types.js');
  const client = new Client(me);
  await client.connect(transport);
  const onUpdated = (seen) =>
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => seen(params.uri));
  const subscribe = () => client.subscribeResource({ uri: CHANGED });
  console.log(`npm sdk over ${what}, 2025-11-25: ${await reads(client, onUpdated, subscribe)}`);
  await client.close();
}

const { StdioClientTransport } = require('@modelcontextprotocol/client/stdio');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');
const sdkStdio = require('@modelcontextprotocol/sdk/client/stdio.js').StdioClientTransport;
const sdkHttp = require('@modelcontextprotocol/sdk/client/streamableHttp.js').StreamableHTTPClientTransport;

for (const more of [[], ['--allow-changes']]) {
  await newer(new StdioClientTransport(server(...more)), 'stdio');
  await restart();
  await older(new sdkStdio(server(...more)), 'stdio');
  await restart();
}
for (const token of tokens) {
  const options = { requestInit: { headers: { Authorization: `Bearer ${token}` } } };
  await newer(new StreamableHTTPClientTransport(new URL(url), options), 'HTTP');
  await restart();
  await older(new sdkHttp(new URL(url), options), 'HTTP');
  await restart();
}
