import { assert, beforeAll, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { starters } from "../../../scripts/layers/forks.ts"
import { objection } from "../../../scripts/layers/layers.ts"

/** A file that breaks (or keeps) a rule, and the rule oxlint must name; `undefined` where it must be content. */
interface Case {
  readonly file: string
  readonly source: string
  readonly rule: string | undefined
}

const repository = Path.resolve(import.meta.dirname, "../../..")

const imports = (folder: string, specifier: string, rule: string | undefined): Case => ({
  file: `src/${folder}`,
  source: `import * as Thing from "${specifier}"\nexport const thing = Thing\n`,
  rule
})
const refused = (folder: string, specifier: string) => imports(folder, specifier, "layers(imports)")
const allowed = (folder: string, specifier: string) => imports(folder, specifier, undefined)

const inSrc = (source: string, rule: string | undefined, file = "engine"): Case => ({
  file: `src/${file}`,
  source,
  rule
})
const global = (expression: string) => inSrc(`export const thing = ${expression}\n`, "eslint(no-restricted-globals)")
const property = (expression: string) =>
  inSrc(`export const thing = ${expression}\n`, "eslint(no-restricted-properties)")

const effect = (name: string, rule: string | undefined, file?: string) =>
  inSrc(`import * as Effect from "effect/Effect"\nexport const thing = Effect.${name}\n`, rule, file)

const suites: Record<string, ReadonlyArray<Case>> = {
  "imports point one way": [
    refused("swim", "../wire/Packet.ts"),
    refused("wire", "../swim/Membership.ts"),
    refused("swim", "../engine/Node.ts"),
    refused("wire", "../engine/Node.ts"),
    refused("engine", "../node/NodeTransport.ts"),
    refused("engine", "../Memberlist.ts"),
    refused("engine", "../testing/SimulatedNetwork.ts"),
    refused("engine", "../index.ts"),
    refused("node", "../testing/SimulatedNetwork.ts"),
    refused("node", "../agent/main.ts"),
    refused("node", "../engine/telemetry/Counters.ts"),
    refused("node", "../Memberlist.ts"),
    refused("node", "../swim/membership/Membership.ts"),
    refused("engine", "../config/Fields.ts"),
    refused("config", "../MemberlistConfig.ts"),
    refused("base", "../MemberlistError.ts"),
    refused("MemberlistError.ts", "./Member.ts"),
    refused("testing", "../node/NodeTransport.ts"),
    refused("testing", "../agent/main.ts"),
    refused("", "./swim/Membership.ts"),
    refused("", "./wire/Packet.ts"),
    refused("", "./engine/Node.ts"),
    refused("", "./node/NodeTransport.ts"),
    refused("somewhere", "../Member.ts"),
    refused("engine", "../../test/helper.ts"),
    refused("engine", "../Member"),
    refused("engine", "effect-memberlist"),
    allowed("swim", "../Member.ts"),
    allowed("wire", "../Address.ts"),
    allowed("wire", "./Packet.ts"),
    allowed("engine", "../swim/Membership.ts"),
    allowed("engine", "../wire/Packet.ts"),
    allowed("engine", "../Transport.ts"),
    allowed("node", "../Transport.ts"),
    allowed("config", "../MemberlistError.ts"),
    allowed("NodeMemberlist.ts", "./Memberlist.ts"),
    allowed("NodeMemberlist.ts", "./node/NodeTransport.ts"),
    allowed("testing", "../Memberlist.ts"),
    allowed("agent", "../node/NodeTransport.ts"),
    allowed("agent", "../index.ts"),
    allowed("agent", "../Topic.ts"),
    refused("agent", "../engine/Node.ts"),
    allowed("TransmitLimitedQueue.ts", "./swim/BroadcastQueue.ts"),
    refused("engine", "../TransmitLimitedQueue.ts"),
    allowed("MemberMeta.ts", "./Memberlist.ts"),
    refused("Ring.ts", "./engine/Node.ts"),
    refused("metadata", "../engine/Node.ts"),
    refused("engine", "../MemberMeta.ts"),
    refused("testing", "../MemberMeta.ts"),
    refused("ring", "../Memberlist.ts"),
    refused("metadata", "../ring/Points.ts")
  ],
  "swim, wire and the folders of the extensions are pure": [
    ...["Effect", "Layer", "Context", "Ref", "Queue", "Clock", "Random", "Stream", "net/Dns", "crypto/SecureRandom"]
      .flatMap((module) => [refused("swim", `effect/${module}`), refused("wire", `effect/${module}`)]),
    ...["Effect", "Layer", "Context", "Stream", "Clock", "Random", "Metric"]
      .flatMap((module) => [refused("metadata", `effect/${module}`), refused("ring", `effect/${module}`)]),
    ...["Transport", "Delegate", "Keyring", "MemberlistConfig"]
      .flatMap((service) => [refused("swim", `../../${service}.ts`), refused("wire", `../../${service}.ts`)]),
    ...["Schema", "SchemaAST", "HashMap", "Option", "Result", "Order", "Array"]
      .flatMap((module) => [allowed("swim", `effect/${module}`), allowed("wire", `effect/${module}`)])
  ],
  "Node.js belongs to the adapters": [
    ...["", "swim", "engine", "testing"].flatMap((
      layer
    ) => [refused(layer, "node:crypto"), refused(layer, "node:dgram")]),
    refused("wire", "node:dgram"),
    refused("node", "node:timers/promises"),
    refused("agent", "node:perf_hooks"),
    refused("node", "node:perf_hooks"),
    refused("engine", "crypto"),
    refused("engine", "effect/socket/DatagramSocket"),
    refused("engine", "@effect/platform-node/NodeSocket"),
    refused("testing", "@effect/platform-node/NodeSocket"),
    allowed("wire", "node:zlib"),
    allowed("wire", "node:buffer"),
    allowed("node", "node:os"),
    allowed("node", "effect/socket/DatagramSocket"),
    allowed("node", "@effect/platform-node/NodeSocket"),
    allowed("agent", "node:http"),
    allowed("agent", "effect/http-api/HttpApi"),
    inSrc("export const thing = process.env\n", "layers(node-globals)"),
    inSrc("export const thing = Buffer.alloc(1)\n", "layers(node-globals)", "wire"),
    inSrc("export const thing = (process: () => number) => process()\n", undefined)
  ],
  "every form of import is seen": [
    refused("engine", "effect"),
    refused("agent", "effect"),
    refused("agent", "@effect/platform-node"),
    inSrc("import { Effect } from \"effect\"\nexport const thing = Effect\n", "layers(imports)"),
    inSrc("import type { A } from \"../wire/A.ts\"\nexport type B = A\n", "layers(imports)", "swim"),
    inSrc("import \"../wire/A.ts\"\n", "layers(imports)", "swim"),
    inSrc("export * from \"../wire/A.ts\"\n", "layers(imports)", "swim"),
    inSrc("export * as A from \"../wire/A.ts\"\n", "layers(imports)", "swim"),
    inSrc("export { a } from \"../wire/A.ts\"\n", "layers(imports)", "swim"),
    inSrc("export const a = () => import(\"../wire/A.ts\")\n", "layers(imports)", "swim"),
    inSrc("export const a = (name: string) => import(name)\n", "layers(imports)", "swim"),
    inSrc("export type A = import(\"../wire/A.ts\").A\n", "layers(imports)", "swim"),
    inSrc("export const text = 'import * as Wire from \"../wire/A.ts\"'\n", undefined, "swim")
  ],
  "time, timers and randomness are Effect's": [
    global("Date.now()"),
    global("new Date()"),
    global("globalThis.Date.now()"),
    global("performance.now()"),
    global("setTimeout(() => {}, 1)"),
    global("globalThis.setTimeout(() => {}, 1)"),
    global("setInterval(() => {}, 1)"),
    global("setImmediate(() => {})"),
    global("queueMicrotask(() => {})"),
    global("crypto.getRandomValues(new Uint8Array(1))"),
    property("Math.random()"),
    property("Math[\"random\"]()"),
    inSrc("export const thing = process.nextTick(() => {})\n", "eslint(no-restricted-properties)", "node"),
    inSrc("export const thing = process.hrtime.bigint()\n", "eslint(no-restricted-properties)", "node"),
    inSrc("const { random } = Math\nexport const thing = random()\n", "eslint(no-restricted-properties)"),
    ...["randomBytes", "randomInt", "randomUUID", "getRandomValues", "webcrypto"].map((name) =>
      inSrc(
        `import { ${name} } from "node:crypto"\nexport const thing = ${name}\n`,
        "eslint(no-restricted-imports)",
        "wire"
      )
    ),
    imports("wire", "node:crypto", "eslint(no-restricted-imports)"),
    inSrc("import crypto from \"node:crypto\"\nexport const thing = crypto\n", "eslint(no-restricted-imports)", "wire"),
    inSrc("import { createHash } from \"node:crypto\"\nexport const thing = createHash\n", undefined, "wire"),
    inSrc("export const thing = Math.max(1, 2)\n", undefined),
    inSrc("export const thing = (Date: { now: () => number }) => Date.now()\n", undefined)
  ],
  "every fiber of the engine is somebody's": [
    effect("forkDetach", "layers(forks)"),
    effect("forkChild", "layers(forks)"),
    effect("forkScoped", "layers(forks)", "engine/probing"),
    effect("runFork", "layers(forks)"),
    inSrc("import * as Effect from \"effect/Effect\"\nexport const thing = Effect[\"runSync\"]\n", "layers(forks)"),
    imports("engine", "effect/FiberSet", "layers(forks)"),
    imports("engine", "effect/FiberMap", "layers(forks)"),
    imports("engine", "effect/FiberHandle", "layers(forks)"),
    allowed("engine", "effect/Fiber"),
    effect("forEach", undefined),
    effect("runForkWith", undefined, "engine/Work.ts"),
    effect("forkScoped", undefined, "engine/Supervisor.ts"),
    effect("forkDetach", "layers(forks)", "Memberlist.ts"),
    effect("forkDetach", undefined, "node"),
    effect("forkDetach", undefined, "testing")
  ],
  "the language is kept narrow": [
    inSrc("export const thing = (a: any) => a\n", "typescript(no-explicit-any)"),
    inSrc("export const thing = (a: string | undefined) => a!\n", "typescript(no-non-null-assertion)"),
    inSrc("export default 1\n", "import(no-default-export)"),
    inSrc("const a = 1\nexport { a as default }\n", "import(no-default-export)"),
    inSrc("console.log(1)\n", "eslint(no-console)"),
    inSrc("console.log(1)\n", undefined, "agent"),
    inSrc("// @ts-ignore\nexport const a = 1\n", "typescript(ban-ts-comment)"),
    inSrc(`// ${"todo".toUpperCase()} later\nexport const a = 1\n`, "eslint(no-warning-comments)"),
    inSrc("export const a: number[] = []\n", "typescript(array-type)"),
    inSrc(`${"//\n".repeat(501)}export const a = 1\n`, "eslint(max-lines)"),
    { file: "src/index.ts", source: "export const a = 1\n", rule: "layers(front-door)" },
    { file: "src/swim/index.ts", source: "export * from \"./A.ts\"\n", rule: "layers(front-door)" },
    { file: "src/testing/index.ts", source: "export * from \"./A.ts\"\n", rule: undefined }
  ]
}

interface Finding {
  readonly filename: string
  readonly code: string
}

const lint = (folder: string) =>
  new Promise<ReadonlyArray<Finding>>((resolve, reject) => {
    const oxlint = Path.join(repository, "node_modules/oxlint/bin/oxlint")
    const options = { cwd: folder, maxBuffer: 16 * 1024 * 1024 }
    execFile(process.execPath, [oxlint, "--format=json", "src"], options, (_, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout).diagnostics)
      } catch {
        reject(new Error(`oxlint did not answer in JSON: ${stdout}${stderr}`))
      }
    })
  })

/** `src/swim` in case 7 becomes `src/swim/Case7.ts`; a case that names its file goes to a tree of its own. */
const placed = Object.values(suites).flat().map((one, index) => ({
  ...one,
  path: one.file.endsWith(".ts") ? one.file : Path.posix.join(one.file, `Case${index}.ts`)
}))

describe("the extensions", () => {
  it("import the public files and their own folders, and nothing imports them", () => {
    const known = ["Memberlist.ts", "Member.ts", "MemberlistError.ts", "metadata/A.ts"]
    const extensions = new Map([
      ["src/MemberMeta.ts", known],
      ["src/Ring.ts", [...known, "ring/A.ts"]],
      ["src/MemberlistRunners.ts", [...known, "MemberMeta.ts", "runners/A.ts"]]
    ])
    for (const [file, targets] of extensions) {
      for (const target of targets) assert.isUndefined(objection(file, `./${target}`), `${file} imports ${target}`)
      for (const target of ["engine/A.ts", "swim/A.ts", "wire/A.ts", "config/A.ts", "node/A.ts", "NodeMemberlist.ts"]) {
        assert.isDefined(objection(file, `./${target}`), `${file} imports ${target}`)
      }
    }
    const others = [
      "src/index.ts",
      "src/Memberlist.ts",
      "src/Member.ts",
      "src/NodeMemberlist.ts",
      "src/testing/index.ts"
    ]
    for (const file of [...others, "src/engine/A.ts", "src/node/A.ts", "src/swim/A.ts"]) {
      const up = file.split("/").length > 2 ? ".." : "."
      for (const target of ["MemberMeta.ts", "Ring.ts", "metadata/A.ts", "ring/A.ts", "runners/A.ts"]) {
        assert.isDefined(objection(file, `${up}/${target}`), `${file} imports ${target}`)
      }
    }
  })

  it("know of Effect Cluster only where they are made for it", () => {
    for (const file of ["src/MemberlistRunners.ts", "src/MemberlistRunnerHealth.ts", "src/runners/A.ts"]) {
      assert.isUndefined(objection(file, "effect/cluster/Runner"), file)
    }
    for (const file of ["src/Ring.ts", "src/MemberMeta.ts", "src/topic/A.ts", "src/Memberlist.ts"]) {
      assert.isDefined(objection(file, "effect/cluster/Runner"), file)
    }
  })
})

describe("the lint configuration", () => {
  const findings = new Map<string, Array<string>>()

  beforeAll(async () => {
    const folder = await mkdtemp(Path.join(tmpdir(), "project-"))
    try {
      await cp(Path.join(repository, ".oxlintrc.json"), Path.join(folder, ".oxlintrc.json"))
      await cp(Path.join(repository, "scripts/layers"), Path.join(folder, "scripts/layers"), { recursive: true })
      for (const { path, source } of placed) {
        await mkdir(Path.dirname(Path.join(folder, path)), { recursive: true })
        await writeFile(Path.join(folder, path), source)
      }
      for (const { code, filename } of await lint(folder)) {
        findings.set(filename, [...(findings.get(filename) ?? []), code])
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 30_000)

  let index = 0
  for (const [suite, cases] of Object.entries(suites)) {
    describe(suite, () => {
      for (const { rule, source } of cases) {
        const path = placed[index++]?.path ?? ""
        const text = source.length > 200 ? `${source.length} characters` : source.trim().replaceAll("\n", "; ")
        it(`${rule === undefined ? "accepts" : "refuses"} in ${Path.posix.dirname(path)}: ${text}`, () => {
          const codes = findings.get(path) ?? []
          if (rule === undefined) assert.deepStrictEqual(codes, [])
          else assert.include(codes, rule)
        })
      }
    })
  }
})

describe("the list of files that start fibers", () => {
  for (const [file, uses] of Object.entries(starters)) {
    for (const use of uses) {
      it(`names none that does not: ${file}, ${use}`, async () => {
        const source = await readFile(Path.join(repository, file), "utf8")
        assert.include(source, use.includes("/") ? `"${use}"` : `Effect.${use}(`)
      })
    }
  }
})
