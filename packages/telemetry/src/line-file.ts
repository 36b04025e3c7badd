import { once } from "node:events";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

export interface LineFileOptions {
  /** A file, appended to and made with its folder; `-` is standard output. */
  path: string;
  /** Lines beyond this that the disk has not taken yet are dropped. @defaultValue 16 Mi characters */
  maxBufferedBytes?: number;
  /** A line was dropped. */
  onDropped: () => void;
  onError: (error: Error) => void;
}

export interface LineFile {
  /** Never waits and never throws. @param line without its line break */
  write(line: string): void;
  /** Opens the path anew, after something else has moved the file away. */
  reopen(): void;
  /** Writes what is buffered. */
  close(): Promise<void>;
}

const defaultMaxBufferedBytes = 16 * 1024 * 1024;
/** A file that holds who did what is for its owner. */
const fileMode = 0o600;

/**
 * Lines to a file without waiting for it: what comes while a write is under way goes out with the next, and the buffer is bounded.
 * Not pino's writer: `sonic-boom` 4.2.1 never ends when it is closed while it reopens its file.
 */
export function openLineFile({
  path,
  maxBufferedBytes = defaultMaxBufferedBytes,
  onDropped,
  onError,
}: LineFileOptions): LineFile {
  const file = path === "-" ? standardOutput : new AppendedFile(path);
  let lines: string[] = [];
  let characters = 0;
  let writing: Promise<void> | undefined;

  const writeAll = async () => {
    while (lines.length > 0) {
      const text = lines.join("");
      const { length: count } = lines;
      lines = [];
      characters = 0;
      try {
        await file.append(text);
      } catch (error) {
        for (let at = 0; at < count; at++) onDropped();
        onError(error as Error);
      }
    }
    writing = undefined;
  };

  return {
    write: (line) => {
      if (characters + line.length + 1 > maxBufferedBytes) {
        onDropped();
        return;
      }
      lines.push(`${line}\n`);
      characters += line.length + 1;
      writing ??= Promise.resolve().then(writeAll);
    },
    reopen: () => file.reopen(),
    close: async () => {
      await writing;
      await file.close();
    },
  };
}

interface Appendable {
  append(text: string): Promise<void>;
  reopen(): void;
  close(): Promise<void>;
}

const standardOutput: Appendable = {
  append: async (text) => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  },
  reopen: () => {},
  close: async () => {},
};

/** Opened by its first write, and by the first one after `reopen` or a failure. */
class AppendedFile implements Appendable {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #isStale = false;

  constructor(path: string) {
    this.#path = path;
  }

  async append(text: string): Promise<void> {
    if (this.#isStale) await this.close();
    this.#handle ??= await this.#open();
    try {
      await this.#handle.appendFile(text);
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#path), { recursive: true });
    return open(this.#path, "a", fileMode);
  }

  reopen(): void {
    this.#isStale = true;
  }

  async close(): Promise<void> {
    this.#isStale = false;
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
