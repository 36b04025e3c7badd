/** A server under test. */
export interface GitServer {
  name: string;
  url(repository: string): string;
  /** Where the repository lies, so that both sides begin with the same bytes. */
  gitDir(repository: string): string;
  /** Sent with every request. */
  headers: Record<string, string>;
  stop(): Promise<void>;
}
