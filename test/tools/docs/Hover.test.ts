import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { documentation } from "../../../scripts/configuration/page.ts"
import { hovers } from "../../../scripts/package/editor.ts"
import { fieldNames } from "../../../src/config/Fields.ts"
import type { Resolved, Settings } from "../../../src/MemberlistConfig.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const documented = documentation(readFileSync(Path.join(root, "src/config/Settings.ts"), "utf8"))

/** What `Settings` would be if it were derived from the schemas. */
type Input<A> = A extends Duration.Duration ? Duration.Input : A
type Derived = { readonly [K in keyof Resolved]?: Input<Resolved[K]> | undefined }

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile when a field's type is not its schema's. */
const same: Same<{ readonly [K in keyof Settings]: Settings[K] }, Derived> = true

const words = (text: string) => text.replaceAll(/\s+/g, " ")

describe("the settings", () => {
  it("have the schemas' fields and types, and no others", () => {
    assert.isTrue(same)
    assert.deepStrictEqual(
      [...documented.keys()].sort(),
      [...fieldNames, "disableTcpPingsForNode", "joinSchedule"].sort()
    )
  })

  for (const layer of ["MemberlistConfig.layer", "NodeMemberlist.layer"]) {
    it(`show their documentation in an editor, each where a program sets it for ${layer}`, async () => {
      const names = [...documented.keys()]
      const shown = await hovers(
        root,
        "test/tools/docs/program.ts",
        `
        import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
        import * as NodeMemberlist from "../../../src/NodeMemberlist.ts"
        declare const value: never
        ${layer}({ ...MemberlistConfig.lan, ${names.map((name) => `▸${name}: value`).join(", ")} })
      `
      )
      const silent = names.filter((name, i) => {
        const text = documented.get(name)?.text
        return text === undefined || !words(shown[i] ?? "").includes(text)
      })
      assert.deepStrictEqual(silent, [])
    })
  }
})
