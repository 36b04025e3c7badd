/** Where to go after signing in: a path of the console, whatever was asked for. */
export function nextPath(asked: string | null | undefined): string {
  // "//host" and "/\host" are other sites to a browser.
  return asked && /^\/(?![/\\])[^\s\\]*$/.test(asked) && !asked.startsWith("/login") ? asked : "/orgs";
}
