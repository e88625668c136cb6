/**
 * What importing the published package costs a program: the modules that are loaded, and the memory they take above
 * that of the Effect modules among them, which a program on Effect has anyway.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import * as Path from "node:path"

/** The modules of one package, of Node.js (`node:`), or of anything else. */
export type Modules = ReadonlyMap<string, ReadonlyArray<string>>

export interface Cost {
  /** The files of our package that are loaded. */
  readonly files: number
  readonly modules: Modules
  /** Resident memory of a process that has imported the package, and of one that has imported what it stands on. */
  readonly megabytes: { readonly whole: number; readonly beneath: number }
  readonly milliseconds: { readonly whole: number; readonly beneath: number }
}

const { megabytes, modules } = JSON.parse(
  readFileSync(Path.join(import.meta.dirname, "../../bench/guard/budget.json"), "utf8")
).package as { readonly megabytes: number; readonly modules: Readonly<Record<string, number>> }

/** What may be loaded; the numbers are in the file of all budgets. */
export const budget = {
  /** Packages, and how many modules of each; of ours, those whose code is in the files that are loaded. */
  modules: new Map(Object.entries(modules)),
  /** What a program does not load by importing the package: folders, and what is an entry by itself. */
  absent:
    /\/dist\/(?:(?:agent|testing|metadata|ring|rpc|runners|topic|map)\/|(?:MemberMeta|MemberRpc|ReplicatedMap|Ring|Topic|MemberlistRunners|MemberlistRunnerHealth)\.js$)/,
  /** Megabytes above the Effect modules: about 5 when this was written, and what is above twice that is no noise. */
  megabytes
}

/** Enough for a median that one bad run does not move. */
const RUNS = 7

/** Prints the URLs of all modules that are loaded, and the packages' modules that ours asks for by name. */
const tracing = (specifier: string) => `
  import { registerHooks } from "node:module"
  const loaded = []
  const asked = new Set()
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const ours = context.parentURL?.includes("/node_modules/effect-memberlist/")
      if (ours && !/^(?:[.]|node:)/.test(specifier)) asked.add(specifier)
      return resolved
    },
    load(url, context, next) {
      loaded.push(url)
      return next(url, context)
    }
  })
  await import("${specifier}")
  console.log(JSON.stringify({ loaded, asked: [...asked] }))
`

/** Prints how much memory and time it took to import these. */
const measuring = (specifiers: ReadonlyArray<string>) => `
  const started = performance.now()
  ${specifiers.map((specifier) => `await import("${specifier}")`).join("\n")}
  const milliseconds = performance.now() - started
  console.log(JSON.stringify({ megabytes: process.memoryUsage().rss / 1e6, milliseconds }))
`

const packageOf = (url: string): string =>
  url.startsWith("node:") ? "node:" : /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url

/** A file of ours stands for those that were built into it, which its map names, as if each were published. */
const parts = (url: string): ReadonlyArray<string> => {
  if (packageOf(url) !== "effect-memberlist") return [url]
  const map = new URL(`${url}.map`)
  if (!existsSync(map)) return [url]
  const { sources } = JSON.parse(readFileSync(map, "utf8")) as { readonly sources: ReadonlyArray<string> }
  return sources.map((source) =>
    new URL(source, url).href.replace(/\/effect-memberlist\/src\/(.*)\.ts$/, "/effect-memberlist/dist/$1.js")
  )
}

/** The modules by package. */
const grouped = (urls: ReadonlyArray<string>): Modules => {
  const modules = new Map<string, Array<string>>()
  for (const url of urls) {
    const known = modules.get(packageOf(url))
    if (known === undefined) modules.set(packageOf(url), [url])
    else known.push(url)
  }
  return modules
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Measures in child processes of a folder in which the package is installed. */
export const measure = (folder: string, env: NodeJS.ProcessEnv): Cost => {
  const child = (source: string) =>
    JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", source], {
      cwd: folder,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"]
    }))
  const { asked, loaded } = child(tracing("effect-memberlist")) as Record<"asked" | "loaded", ReadonlyArray<string>>
  const sample = (specifiers: ReadonlyArray<string>) =>
    child(measuring(specifiers)) as Record<"megabytes" | "milliseconds", number>
  // in turns, so that what else the machine does costs both the same
  const samples = Array.from({ length: RUNS }, () => ({ whole: sample(["effect-memberlist"]), beneath: sample(asked) }))
  const medians = (key: "megabytes" | "milliseconds") => ({
    whole: median(samples.map(({ whole }) => whole[key])),
    beneath: median(samples.map(({ beneath }) => beneath[key]))
  })
  return {
    files: loaded.filter((url) => packageOf(url) === "effect-memberlist").length,
    modules: grouped([...new Set(loaded.flatMap(parts))]),
    megabytes: medians("megabytes"),
    milliseconds: medians("milliseconds")
  }
}

/** What is above the budget, each with the figures. */
export const complaints = ({ megabytes, modules }: Cost): ReadonlyArray<string> => {
  const more = megabytes.whole - megabytes.beneath
  return [
    ...[...modules].flatMap(([name, urls]) => {
      const most = budget.modules.get(name)
      if (most === undefined) return [`importing the package loads ${name}, which is not in the budget`]
      return urls.length > most ? [`importing the package loads ${urls.length} modules of ${name}, above ${most}`] : []
    }),
    ...[...modules.values()].flat().filter((url) => budget.absent.test(url)).map((url) =>
      `importing the package loads ${url}`
    ),
    ...(more > budget.megabytes
      ? [`importing the package takes ${more.toFixed(1)} MB above its Effect modules, above ${budget.megabytes}`]
      : [])
  ]
}

/** The cost in a few lines. */
export const report = ({ megabytes, milliseconds, modules }: Cost): string => {
  const counts = [...modules].map(([name, urls]) => `${urls.length} of ${name}`).join(", ")
  const one = (value: number) => value.toFixed(1)
  return `importing the package loads ${counts}\n`
    + `and takes ${one(megabytes.whole)} MB and ${
      Math.round(milliseconds.whole)
    } ms, of which the modules it stands on `
    + `take ${one(megabytes.beneath)} MB and ${Math.round(milliseconds.beneath)} ms (medians of ${RUNS} processes)`
}
