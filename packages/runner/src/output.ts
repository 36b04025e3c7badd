/** The log: lines on standard output, secrets masked, markers where steps begin and end. */
import { sectionMarker } from "@krate/workflow";

const mask = "***";
/** A line longer than this is cut into several, so that a reader needs no unbounded buffer. */
const maxLineBytes = 64 * 1024;
/** Shorter values would mask ordinary text. */
const minSecretLength = 8;

export class Output {
  readonly #write: (text: string) => void;
  readonly #secrets = new Set<string>();

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** From now on this text is shown as `***`. */
  hide(secret: string): void {
    for (const form of [secret, Buffer.from(`krate:${secret}`).toString("base64")]) {
      if (form.length >= minSecretLength) this.#secrets.add(form);
    }
  }

  line(text: string): void {
    let shown = text;
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, mask);
    // A message of several lines must not begin one with a marker.
    this.#write(`${shown.replaceAll(`\n${sectionMarker}`, `\n ${sectionMarker}`)}\n`);
  }

  marker(step: number, phase: string, more: Record<string, unknown> = {}): void {
    this.#write(`${sectionMarker}${JSON.stringify({ step, phase, ...more })}\n`);
  }

  /** A sink for a process: whole lines are passed on as they come, the rest by `end`. A forged marker is indented. */
  lines(): { write(chunk: Buffer): void; end(): void } {
    const decoder = new TextDecoder();
    let rest = "";
    const pass = (text: string) => this.line(text.startsWith(sectionMarker) ? ` ${text}` : text);
    return {
      write: (chunk) => {
        const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) pass(part.replace(/\r$/, ""));
        while (rest.length > maxLineBytes) {
          pass(rest.slice(0, maxLineBytes));
          rest = rest.slice(maxLineBytes);
        }
      },
      end: () => {
        rest += decoder.decode();
        if (rest !== "") pass(rest);
        rest = "";
      },
    };
  }
}
