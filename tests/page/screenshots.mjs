// The pictures of the status page in docs/: node tests/page/screenshots.mjs, with pngquant (Debian's package of that name).

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { browser, serve } from "./browser.mjs";

const PICTURES = [
  { scene: "rollout", theme: "light", name: "page-deployment.png" },
  { scene: "drift", theme: "dark", name: "page-drift.png" },
];

const [chromium, server] = await Promise.all([browser(), serve()]);
for (const { scene, theme, name } of PICTURES) {
  const page = await chromium.newPage({ viewport: { width: 1000, height: 800 } });
  await page.goto(`${server.url}${scene}?theme=${theme}`);
  const path = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  await page.locator(".e6").screenshot({ path });
  execFileSync("pngquant", ["--force", "--output", path, "--speed", "1", "32", path]);
}
await chromium.close();
server.end();
