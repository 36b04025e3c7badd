/** No new binary file of more than 1 MiB; large text is welcome. Git takes a file with a NUL byte near its start for binary. */
import { LargeBlob, push, readStart, refuse, say } from "./krate";

const limit: u32 = 1024 * 1024;
const examined = 8000;

export function krate_hook_v1(): i32 {
  const updates = push().updates;
  for (let i = 0; i < updates.length; i++) {
    const blobs = updates[i].largeBlobs(limit);
    for (let j = 0; j < blobs.length; j++) {
      if (isBinary(blobs[j])) refuse(blobs[j].path + " is binary and has " + blobs[j].size.toString() + " bytes; keep it in Git LFS");
      else say(blobs[j].path + " is large, but text");
    }
  }
  return 0;
}

function isBinary(blob: LargeBlob): bool {
  const start = readStart(blob.id, examined);
  return start === null || start.includes(0);
}
