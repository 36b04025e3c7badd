/**
 * What a hook written in AssemblyScript needs: the host functions of docs/reference/wasm-hooks.md as classes.
 * Copy this file beside your hook; `export { krate_hook_v1 }` is what the gateway calls.
 */

// @ts-ignore: decorator
@external("krate", "input")
declare function hostInput(at: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("krate", "commits")
declare function hostCommits(update: i32, at: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("krate", "paths")
declare function hostPaths(update: i32, at: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("krate", "large_blobs")
declare function hostLargeBlobs(update: i32, minBytes: u32, at: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("krate", "object_read")
declare function hostObjectRead(name: usize, nameLength: usize, offset: usize, at: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("krate", "refuse")
declare function hostRefuse(at: usize, length: usize): void;
// @ts-ignore: decorator
@external("krate", "say")
declare function hostSay(at: usize, length: usize): void;

export class Commit {
  constructor(
    public id: string,
    public parents: string[],
    public message: string,
  ) {}
}

export class ChangedPaths {
  constructor(
    public commit: string,
    public paths: string[],
  ) {}
}

export class LargeBlob {
  constructor(
    public id: string,
    public size: i64,
    public path: string,
  ) {}
}

/** One ref that the push wants to move. */
export class Update {
  constructor(
    private index: i32,
    public ref: string,
    public oldId: string,
    public newId: string,
    /** create, update, force-update, delete */
    public action: string,
    public fastForward: bool,
  ) {}

  /** Commits the update brings that no ref reached before. */
  commits(): Commit[] {
    const answer = hostCommits(this.index, 0, 0);
    const buffer = new ArrayBuffer(max(answer, 0));
    hostCommits(this.index, changetype<usize>(buffer), buffer.byteLength);
    return Json.parse(buffer).items.map<Commit>((commit) => new Commit(
      commit.text("id"),
      commit.get("parents").texts(),
      commit.text("message"),
    ));
  }

  /** Paths each new commit changes against its first parent. */
  paths(): ChangedPaths[] {
    const answer = hostPaths(this.index, 0, 0);
    const buffer = new ArrayBuffer(max(answer, 0));
    hostPaths(this.index, changetype<usize>(buffer), buffer.byteLength);
    return Json.parse(buffer).items.map<ChangedPaths>((each) => new ChangedPaths(each.text("id"), each.get("paths").texts()));
  }

  /** New files of more than `minBytes`. */
  largeBlobs(minBytes: u32): LargeBlob[] {
    const answer = hostLargeBlobs(this.index, minBytes, 0, 0);
    const buffer = new ArrayBuffer(max(answer, 0));
    hostLargeBlobs(this.index, minBytes, changetype<usize>(buffer), buffer.byteLength);
    return Json.parse(buffer).items.map<LargeBlob>((blob) => new LargeBlob(
      blob.text("id"),
      blob.get("size").number as i64,
      blob.text("path"),
    ));
  }
}

export class Push {
  constructor(
    public repository: string,
    public user: string,
    public groups: string[],
    public updates: Update[],
  ) {}
}

/** What is being judged. */
export function push(): Push {
  const buffer = new ArrayBuffer(hostInput(0, 0));
  hostInput(changetype<usize>(buffer), buffer.byteLength);
  const input = Json.parse(buffer);
  const updates: Update[] = [];
  const list = input.get("updates").items;
  for (let index = 0; index < list.length; index++) {
    const update = list[index];
    updates.push(
      new Update(
        index,
        update.text("ref"),
        update.text("oldId"),
        update.text("newId"),
        update.text("action"),
        update.get("fastForward").number != 0,
      ),
    );
  }
  const actor = input.get("actor");
  return new Push(input.text("repository"), actor.text("user"), actor.get("groups").texts(), updates);
}

/** Up to `count` bytes from the start of an object; null when it is missing or above 16 MiB. `name`: an id or `<id>:<path>`. */
export function readStart(name: string, count: i32): Uint8Array | null {
  const id = String.UTF8.encode(name);
  const bytes = new Uint8Array(count);
  const size = hostObjectRead(changetype<usize>(id), id.byteLength, 0, bytes.dataStart, count);
  return size < 0 ? null : bytes.subarray(0, min(size, count));
}

/** Refuses the push with this reason. Call it as often as there are reasons. */
export function refuse(reason: string): void {
  const bytes = String.UTF8.encode(reason);
  hostRefuse(changetype<usize>(bytes), bytes.byteLength);
}

/** Tells the person who pushes something, whatever becomes of the push. */
export function say(text: string): void {
  const bytes = String.UTF8.encode(text);
  hostSay(changetype<usize>(bytes), bytes.byteLength);
}

/** As much of JSON as the gateway writes. */
class Json {
  string: string = "";
  /** Also 1 for true, 0 for false and null. */
  number: f64 = 0;
  items: Json[] = [];
  members: Map<string, Json> = new Map<string, Json>();

  static parse(bytes: ArrayBuffer): Json {
    return new JsonReader(String.UTF8.decode(bytes)).value();
  }

  get(name: string): Json {
    return this.members.has(name) ? this.members.get(name) : new Json();
  }

  text(name: string): string {
    return this.get(name).string;
  }

  texts(): string[] {
    return this.items.map<string>((item) => item.string);
  }
}

class JsonReader {
  private at: i32 = 0;
  constructor(private source: string) {}

  value(): Json {
    const json = new Json();
    const char = this.source.charCodeAt(this.at);
    if (char == 0x7b) {
      this.at++;
      while (this.more(0x7d)) {
        const name = this.string();
        this.at++; // :
        json.members.set(name, this.value());
      }
    } else if (char == 0x5b) {
      this.at++;
      while (this.more(0x5d)) json.items.push(this.value());
    } else if (char == 0x22) {
      json.string = this.string();
    } else {
      const start = this.at;
      while (this.at < this.source.length && !this.isEnd(this.source.charCodeAt(this.at))) this.at++;
      const word = this.source.substring(start, this.at);
      json.number = word == "true" ? 1 : word == "false" || word == "null" ? 0 : parseFloat(word);
    }
    return json;
  }

  /** Steps over a comma; false, and over the end, when the list is over. */
  private more(end: i32): bool {
    if (this.source.charCodeAt(this.at) == 0x2c) this.at++;
    if (this.source.charCodeAt(this.at) != end) return true;
    this.at++;
    return false;
  }

  private isEnd(char: i32): bool {
    return char == 0x2c || char == 0x5d || char == 0x7d;
  }

  private string(): string {
    let text = "";
    let from = ++this.at;
    for (;;) {
      const char = this.source.charCodeAt(this.at);
      if (char == 0x22 || char == 0x5c) text += this.source.substring(from, this.at);
      if (char == 0x22) break;
      if (char == 0x5c) {
        text += this.escape();
        from = this.at;
      } else this.at++;
    }
    this.at++;
    return text;
  }

  private escape(): string {
    const char = this.source.charCodeAt(this.at + 1);
    this.at += 2;
    if (char == 0x6e) return "\n";
    if (char == 0x74) return "\t";
    if (char == 0x72) return "\r";
    if (char == 0x62) return "\b";
    if (char == 0x66) return "\f";
    if (char != 0x75) return String.fromCharCode(char);
    this.at += 4;
    return String.fromCharCode(I32.parseInt(this.source.substring(this.at - 4, this.at), 16));
  }
}
