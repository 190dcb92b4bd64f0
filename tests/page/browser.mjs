// The browser and the server of the status page, for tests and screenshots.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

// .ci/run installs the packages of package-lock.json there.
const require = createRequire(`${root}.ci/page/`);

export const { source: axe } = require("axe-core");

const CHROMIUMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts Chromium. Its sandbox needs rights that containers and root do not have; it sees nothing but our own page. */
export function browser() {
  const executablePath = process.env.CHROMIUM ?? CHROMIUMS.find((path) => existsSync(path));
  if (!executablePath) throw new Error("no Chromium: install Debian's package chromium, or name one in CHROMIUM");
  return require("playwright-core").chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Starts `cargo run --example local -- --serve --play` on free ports; the address of the page, and what ends it. */
export async function serve() {
  const command = ["run", "--quiet", "--example", "local", "--", "--serve", "127.0.0.1:0", "--play"];
  const server = spawn("cargo", command, { cwd: root, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const end = () => process.kill(-server.pid);
  const url = await new Promise((found, failed) => {
    let shown = "";
    server.stdout.on("data", (data) => {
      shown += data;
      const page = shown.match(/page +(http:\S+)/);
      if (page) found(page[1]);
    });
    server.once("exit", (code) => failed(new Error(`cargo ended with ${code}: ${shown}`)));
  });
  server.removeAllListeners("exit");
  return { url, end };
}
