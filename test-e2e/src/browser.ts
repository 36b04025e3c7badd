/** The console in a real browser, for tests of whole pages. */
import { type Browser, chromium, type Page } from "playwright-core";

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** A page of its own session, signed in by a token as a person is, at `path`. */
export async function signedInPage(
  browser: Browser,
  { consoleUrl, token, path }: { consoleUrl: string; token: string; path: string },
): Promise<Page> {
  const context = await browser.newContext({ baseURL: consoleUrl, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(`/login?stay&next=${encodeURIComponent(path)}`);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(({ pathname }) => pathname === path);
  return page;
}
