/** @krate/cli as a library, for tests: the demo. Start reading at `main.ts`. */
export { type DemoOptions, runDemo } from "./demo/demo.ts";
