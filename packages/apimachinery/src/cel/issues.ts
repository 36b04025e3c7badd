import { textSize } from "./text-size.ts";

/** Something wrong with an expression, found before it runs. */
export interface CelIssue {
  message: string;
  /** Offset in the expression, in UTF-16 units. */
  offset: number;
  line: number;
  /** One-based, in code points. An issue with the whole expression has neither: -1 and 0. */
  column: number;
}

/** Thrown inside the compiler; `compile` gives issues instead. */
export class CelSyntaxError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = "CelSyntaxError";
    this.offset = offset;
  }
}

export function issueAt(expression: string, message: string, offset: number): CelIssue {
  if (expression === "") return { message, offset, line: 1, column: 0 };
  if (offset < 0) return { message, offset, line: -1, column: 0 };
  const before = expression.slice(0, offset);
  const line = before.split("\n").length;
  return { message, offset, line, column: textSize(before.slice(before.lastIndexOf("\n") + 1)) + 1 };
}

/** Issues as cel-go prints them: position, message, and the line with a mark under the place. */
export function formatIssues(expression: string, issues: readonly CelIssue[]): string {
  const lines = expression.split("\n");
  return issues
    .map(({ message, line, column }) => {
      const marked = `${".".repeat(Math.max(0, column - 1))}^`;
      return `ERROR: <input>:${line}:${column}: ${message}\n | ${lines[line - 1] ?? ""}\n | ${marked}`;
    })
    .join("\n");
}

/** What goes wrong while an expression runs: a missing key, a division by zero. `&&`, `||` and loops may absorb it. */
export class CelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CelError";
  }
}

/** The expression did more work than it may. Nothing absorbs it. */
export class CelBudgetError extends Error {
  constructor(message = "operation cancelled: actual cost limit exceeded") {
    super(message);
    this.name = "CelBudgetError";
  }
}
