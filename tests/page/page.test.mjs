// The status page in a real browser, over the scenes that the local run serves: readable at every width and in both themes, accessible, and safe.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { axe, browser, serve } from "./browser.mjs";

const SCENES = ["healthy", "rollout", "drift", "broken", "many", "hostile", "empty"];
const WIDTHS = [600, 800, 990, 1000, 1600];

/** The space between the page's edge and what stands there. */
const PADDING = 24;
const THEMES = ["light", "dark"];

let chromium, server, seen;

before(async () => {
  [chromium, server] = await Promise.all([browser(), serve()]);
  seen = watch();
});

after(async () => {
  await chromium?.close();
  server?.end();
});

/** Opens a scene; whatever goes wrong in the page fails the test. */
async function open(scene, { width = 1000, theme, prefers } = {}) {
  const context = await chromium.newContext({ viewport: { width, height: 800 }, colorScheme: prefers ?? theme ?? "light" });
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => page.problems.push(message.text()));
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("dialog", (dialog) => page.problems.push(dialog.message()));
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) page.problems.push(request.url());
  });
  const answer = await page.goto(server.url + scene + (theme ? `?theme=${theme}` : ""));
  assert.equal(answer.status(), 200);
  return page;
}

/** What stands in the live page over time, while it loads itself anew. */
async function watch() {
  const page = await open("");
  const words = new Set();
  for (let left = 900; left > 0 && !["initial", "healthy", "draining"].every((word) => words.has(word)); left--) {
    const chips = await page.locator("tbody b").allTextContents().catch(() => []);
    chips.forEach((chip) => words.add(chip));
    await page.waitForTimeout(100);
  }
  return words;
}

describe("every scene", () => {
  for (const scene of SCENES) {
    test(`${scene}: nothing is cut off or sticks out at any width`, async () => {
      for (const width of WIDTHS) {
        const page = await open(scene, { width });
        await page.evaluate(() => document.querySelectorAll("details").forEach((folded) => (folded.open = true)));
        const widest = await page.evaluate(() => {
          const rights = [...document.querySelectorAll(".e6 *")].map((element) => element.getBoundingClientRect().right);
          return [document.documentElement.scrollWidth, Math.floor(Math.max(...rights))];
        });
        assert.deepEqual([widest[0] <= width, widest[1] <= width - PADDING], [true, true], `${widest} at ${width}`);
        assert.deepEqual(page.problems, []);
        await page.context().close();
      }
    });

    test(`${scene}: axe finds nothing in either theme`, async () => {
      for (const theme of THEMES) {
        const page = await open(scene, { theme });
        // Of a thousand like rows a dozen will do.
        await page.evaluate(() => {
          document.querySelectorAll("details tbody tr:nth-child(n + 12)").forEach((row) => row.remove());
          document.querySelectorAll("details").forEach((folded) => (folded.open = true));
        });
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run());
        assert.deepEqual(found.violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
        await page.context().close();
      }
    });
  }
});

test("headings and tables tell a screen reader what is what", async () => {
  const page = await open("drift");
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("h3, h4, h5, h6").count(), 0);
  assert.deepEqual(await page.locator("thead th[scope=col]").allTextContents(), ["Task", "Address", "Port", "Running since", "State"]);
  assert.equal(await page.locator("caption").textContent(), "Targets of demo-ipv6");
  const rows = await page.locator("tbody tr").count();
  assert.equal(await page.locator("tbody th[scope=row]").count(), rows);
});

test("what is wrong stands on top, with a word for every colour", async () => {
  const page = await open("drift");
  assert.match(await page.locator(".answer p").first().textContent(), /^2 of 5 running tasks get IPv6 clients/);
  const chips = await page.locator("tbody b").allTextContents();
  assert.deepEqual(chips, ["unhealthy", "missing", "no address", "left over", "unowned", "healthy", "healthy"]);
  const wordless = await page.locator("b").evaluateAll((all) => all.filter((chip) => !chip.textContent.trim()).length);
  assert.equal(wordless, 0);
});

test("a hold under way shows which tasks are kept", async () => {
  const page = await open("rollout");
  assert.match(await page.locator(".todo").textContent(), /4 old tasks are kept/);
  assert.equal(await page.getByText(/^kept until [\d :-]+ at the latest$/).count(), 4);
});

test("markup from outside is text", async () => {
  const page = await open("hostile");
  assert.equal(await page.title(), "IPv6 targets");
  assert.equal(await page.locator("main script, main img, main iframe").count(), 0);
  assert.match(await page.locator("main").textContent(), /<script>document.title='broken'<\/script>/);
  assert.equal(await page.locator("main style").count(), 1);
});

test("of a thousand targets those that are not served are open and the others folded", async () => {
  const page = await open("many");
  const size = (await page.content()).length;
  assert.ok(size < 200_000, `${size}`);
  assert.equal(await page.locator("tbody tr:visible").count(), 10);
  const folded = page.getByText("990 healthy targets");
  await folded.focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("tbody tr:visible").count(), 1000);
});

test("without a word from the dashboard the theme is the browser's", async () => {
  const grounds = [];
  for (const prefers of THEMES) {
    const page = await open("empty", { prefers });
    grounds.push(await page.locator(".e6").evaluate((root) => getComputedStyle(root).backgroundColor));
  }
  assert.deepEqual(grounds, ["rgb(255, 255, 255)", "rgb(20, 26, 33)"]);
});

test("the dashboard's theme is stronger than the browser's", async () => {
  const page = await open("", { theme: "dark", prefers: "light" });
  assert.equal(await page.locator(".e6").evaluate((root) => getComputedStyle(root).backgroundColor), "rgb(20, 26, 33)");
});

test("the live page reloads itself while targets come, are healthy and drain", async () => {
  const words = await seen;
  for (const word of ["initial", "healthy", "draining"]) assert.ok(words.has(word), `${[...words]}`);
});
