import { expect, test } from "@jest/globals";
import { userIn } from "./container-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/usr/sbin/nologin\n";

test("finds uid and gid of a user", () => {
  expect(userIn(passwd, "nobody")).toEqual({ uid: 65534, gid: 65533 });
  expect(userIn(passwd, "nobod")).toBeUndefined();
});
