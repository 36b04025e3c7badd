import { describe, expect, test } from "@jest/globals";
import { reason, type World } from "./fixtures.ts";

/** Numbers and blobs. */
export function attachmentTests(world: World): void {
  describe("numbers", () => {
    test("count from 1 in each scope, never the same twice", async () => {
      const numbers = await Promise.all(Array.from({ length: 20 }, () => world.store.nextNumber("acme/web")));
      expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      expect(await world.store.nextNumber("acme/other")).toBe(1);
      expect(await world.store.nextNumber("acme/other", 3)).toBe(2);
      expect(await world.store.nextNumber("acme/other")).toBe(5);
    });
  });

  describe("blobs", () => {
    const read = async (scope: string, range?: { offset?: number; limitBytes?: number }) => {
      const parts: Buffer[] = [];
      for await (const part of world.store.readBlob(scope, range)) parts.push(part);
      return Buffer.concat(parts);
    };
    const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 7) % 256));

    test("give back exactly the bytes, whole and in part", async () => {
      expect(await world.store.putBlob("jobs/a/log", bytes)).toEqual({ sizeBytes: bytes.length });
      expect((await read("jobs/a/log")).equals(bytes)).toBe(true);
      const part = await read("jobs/a/log", { offset: 300_001, limitBytes: 250_000 });
      expect(part.equals(bytes.subarray(300_001, 550_001))).toBe(true);
      expect((await read("jobs/a/log", { offset: bytes.length })).length).toBe(0);
      await world.store.putBlob("jobs/a/log", Buffer.from("short"));
      expect((await read("jobs/a/log")).toString()).toBe("short");
    });

    test("grow by appending; a repeated append is told so", async () => {
      await world.store.appendBlob("log", Buffer.from("one "), { offset: 0 });
      expect(await world.store.appendBlob("log", Buffer.from("two"), { offset: 4 })).toEqual({ sizeBytes: 7 });
      await expect(world.store.appendBlob("log", Buffer.from("two"), { offset: 4 })).rejects.toEqual(
        reason("Conflict"),
      );
      expect((await read("log")).toString()).toBe("one two");
      expect((await read("log", { offset: 2, limitBytes: 3 })).toString()).toBe("e t");
    });

    test("are bounded", async () => {
      const small = await world.harness.open({ maxBlobBytes: 10 });
      await small.appendBlob("log", Buffer.alloc(8));
      await expect(small.appendBlob("log", Buffer.alloc(8))).rejects.toEqual(reason("RequestEntityTooLarge"));
      expect(await small.statBlob("log")).toEqual({ sizeBytes: 8 });
    });

    test("go when deleted", async () => {
      await world.store.putBlob("log", bytes);
      await world.store.deleteBlob("log");
      await world.store.deleteBlob("log");
      expect(await world.store.statBlob("log")).toBeUndefined();
      await expect(read("log")).rejects.toEqual(reason("NotFound"));
    });
  });
}
