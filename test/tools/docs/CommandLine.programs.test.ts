import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { render, stable } from "../../../scripts/transcript/page.ts"

/** Runs about half a minute, most of which it waits; about 5 s of computing. */
it("docs/cli.md is what the commands print; npm run write-transcript makes it so", async () => {
  expect(stable(readFileSync("docs/cli.md", "utf8")).split("\n")).toEqual(stable(await render()).split("\n"))
}, 120_000)
