import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import * as Path from "node:path"
import * as library from "../src/index.ts"

const src = Path.resolve(import.meta.dirname, "../src")

/** The file that an exported name is called after. */
const fileOf = (name: string) => ["", "node"].map((folder) => Path.join(src, folder, `${name}.ts`)).find(existsSync)

const isNamespace = (value: unknown): boolean => Object.prototype.toString.call(value) === "[object Module]"

/** A class, a schema, or the key of a service: what has its constructors and layers on itself. */
const isConcept = (value: unknown): boolean =>
  Schema.isSchema(value) || Context.isKey(value) || (typeof value === "function" && /^class\b/.test(String(value)))

/** The same as `Memberlist.layer`, under the name that Effect 3 had for it. */
const known = new Set(["MemberlistLive"])

describe("the names of the package", () => {
  const names = Object.entries(library).filter(([name]) => !known.has(name))

  it("are classes, schemas and namespaces: constructors and layers are members of one", () => {
    const loose = names.filter(([, value]) => !isNamespace(value) && !isConcept(value))
    assert.deepStrictEqual(loose.map(([name]) => name), [])
  })

  it("of namespaces are those of their files", () => {
    const namespaces = names.filter(([, value]) => isNamespace(value)).map(([name]) => name).sort()
    assert.deepStrictEqual(namespaces, [
      "NodeAdvertiseAddress",
      "NodeHostName",
      "NodeLateness",
      "NodeMemberlist",
      "NodeResolver",
      "NodeSeeds",
      "NodeSnapshots",
      "NodeTcp",
      "NodeTransport",
      "NodeUdp",
      "TransmitLimitedQueue"
    ])
    assert.deepStrictEqual(namespaces.filter((name) => fileOf(name) === undefined), [])
  })

  it("of services are those of their files, and no file has a service beside a namespace", () => {
    const services = names.filter(([, value]) => Context.isKey(value)).map(([name]) => name)
    assert.deepStrictEqual(services.sort(), [
      "Delegate",
      "HostName",
      "Keyring",
      "Lateness",
      "Memberlist",
      "MemberlistConfig",
      "Seeds",
      "Snapshots",
      "Transport"
    ])
    assert.deepStrictEqual(services.filter((name) => fileOf(name) === undefined), [])
  })
})
