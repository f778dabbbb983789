// A host for the tests of the web view: a directory, a config, the built binary, and tokens.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The binary of the workspace, unless another one is named. */
const BINARY = process.env.PROVOST_BINARY ?? fileURLToPath(new URL("../../target/debug/provost", import.meta.url));

/** How long a condition may take, in milliseconds, before the test fails. */
const PATIENCE = 60_000;

/** Waits until `condition()` returns something true, and returns that. */
export async function eventually(what, condition) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    let failure = "";
    try {
      const found = await condition();
      if (found) return found;
    } catch (error) {
      failure = `: ${error}`;
    }
    if (performance.now() > end) throw new Error(`in vain: ${what}${failure}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A port that nothing listens on. A host that is started again needs the same one, so it cannot choose one itself. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Host {
  /** Starts a host with the given processes and plugins, as lines of a config. */
  static async start(config) {
    const host = new Host();
    host.dir = mkdtempSync(join(tmpdir(), "provost-web-"));
    host.config = join(host.dir, "provost.toml");
    const port = await freePort();
    host.url = `http://127.0.0.1:${port}/`;
    writeFileSync(host.config, `[api]\nlisten = "127.0.0.1:${port}"\n${config}`);
    try {
      await host.up();
    } catch (error) {
      // A host that does not answer must not outlive the test.
      await host.end();
      throw error;
    }
    return host;
  }

  /** Runs the host, and returns when it answers. */
  async up() {
    this.child = spawn(BINARY, ["up", "-c", this.config], { stdio: ["ignore", "pipe", "pipe"] });
    this.output = "";
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (text) => (this.output += text));
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.ended = ended;
    await eventually("the host answers", async () => {
      if (this.child.exitCode !== null) throw new Error(this.output);
      return (await fetch(`${this.url}livez`)).ok;
    });
  }

  /** Ends the host with its processes. */
  async down() {
    this.child.kill("SIGTERM");
    await this.ended;
  }

  async end() {
    await this.down();
    rmSync(this.dir, { recursive: true });
  }

  /** The output of a command of the host. */
  async command(...words) {
    const { stdout } = await run(BINARY, [...words, "-c", this.config], { maxBuffer: 1 << 26 });
    return stdout;
  }

  /** Makes a token, and returns its secret. */
  async token(scope) {
    const text = await this.command("token", "new", `web-${scope}`, "--scope", scope);
    return text.match(/pvt_\S+/)[0];
  }

  /** The process of this name, as the command line knows it. */
  async process(name) {
    const status = JSON.parse(await this.command("status", name, "-o", "json"));
    return status.processes[0];
  }
}
