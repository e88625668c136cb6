/**
 * What a linter of source files does not see: the lock file, the documents, paths of somebody's machine. Every check is
 * a function from texts to complaints; `scripts/check-repository.ts` reads the files.
 */
import * as Path from "node:path"

interface LockEntry {
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
}

interface Manifest {
  readonly scripts?: Record<string, string>
  readonly allowScripts?: Record<string, boolean>
}

const parentOf = (path: string): string | undefined => {
  if (path === "") return undefined
  const at = path.lastIndexOf("/node_modules/")
  return at < 0 ? "" : path.slice(0, at)
}

/** Node's own search: the package beside the one that asks, or in a `node_modules` above it. */
const isInstalled = (packages: Record<string, LockEntry>, from: string, name: string): boolean => {
  for (let at: string | undefined = from; at !== undefined; at = parentOf(at)) {
    if (Object.hasOwn(packages, at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`)) return true
  }
  return false
}

/**
 * The lock file must install everywhere: every dependency of every package is in it, the optional ones of other platforms
 * included; it names hashes but no registry; and every install script is allowed or refused in `package.json`.
 */
export const lockFile = (lockText: string, manifestText: string): ReadonlyArray<string> => {
  const packages: Record<string, LockEntry> = JSON.parse(lockText).packages
  const { allowScripts = {} }: Manifest = JSON.parse(manifestText)
  return Object.entries(packages).flatMap(([path, entry]) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)
    const needs = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
    return [
      ...needs
        .filter((need) => !isInstalled(packages, path, need))
        .map((need) => `package-lock.json: ${need}, needed by ${path === "" ? "us" : path}, is missing`),
      ...(entry.resolved === undefined
        ? []
        : [`package-lock.json: ${path} names where it came from: ${entry.resolved}`]),
      ...(path !== "" && entry.integrity === undefined ? [`package-lock.json: ${path} has no integrity hash`] : []),
      ...(entry.hasInstallScript === true && !Object.hasOwn(allowScripts, name)
        ? [`package.json: allowScripts says nothing about the install script of ${name}`]
        : [])
    ]
  })
}

/** The two commands that take a newcomer from a clone to a running cluster. */
const firstCommands = ["npm ci", "npm run demo"]

/** The README shows how to see the library work. */
export const readme = (text: string): ReadonlyArray<string> =>
  firstCommands
    .filter((command) => !text.includes(command))
    .map((command) => `README.md: the command "${command}" is missing`)

/** Commands and files that a document names exist. `files` are the paths of the repository. */
export const commands = (
  name: string,
  text: string,
  manifestText: string,
  files: ReadonlySet<string>
): ReadonlyArray<string> => {
  const { scripts = {} }: Manifest = JSON.parse(manifestText)
  const run = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? "")
  const started = [
    ...text.matchAll(
      /\bnode ((?:attack|examples|bench|demo|interop|recovery|reference|scripts|simulate|src)\/[\w./-]+\.ts)/g
    )
  ]
    .map((match) => match[1] ?? "")
  return [
    ...run.filter((script) => !Object.hasOwn(scripts, script)).map((script) =>
      `${name}: there is no script "${script}"`
    ),
    ...started.filter((file) => !files.has(file)).map((file) => `${name}: there is no file ${file}`)
  ]
}

const scheme = /^[a-z][a-z\d+.-]*:|^#/i

/** Where the relative links and images of a document lead, as paths from the root. */
const targets = (name: string, text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\]\(<?([^)\s>]+)|\b(?:src|href)="([^"]+)"/g)]
    .map((match) => match[1] ?? match[2] ?? "")
    .filter((target) => !scheme.test(target))
    .map((target) => Path.posix.join(Path.posix.dirname(name), target.replace(/#.*$/, "")))

/** Relative links of a document lead to `files`: those of the repository, or of the published package. */
export const links = (name: string, text: string, files: Iterable<string>): ReadonlyArray<string> => {
  const known = new Set(files)
  return targets(name, text)
    .filter((target) => !known.has(target))
    .map((target) => `${name}: links to ${target}, which is not there`)
}

/** Every document in `docs` itself, and every folder's own page, is linked from their index, `docs/README.md`. */
export const index = (text: string, files: Iterable<string>): ReadonlyArray<string> => {
  const linked = new Set(targets("docs/README.md", text))
  return [...files]
    .filter((file) => /^docs\/([^/]+|[^/]+\/README)\.md$/.test(file) && file !== "docs/README.md" && !linked.has(file))
    .map((file) => `docs/README.md: no link to ${file}`)
}

const homeOrTemporary = /(?<![\w.@~$}-])\/(?:root|home\/[\w.-]+|Users\/[\w.-]+|private|tmp|var\/folders)\/[\w.-]+/g

/** No path of the machine somebody works on. `checkout` is where this repository lies now. */
export const machinePaths = (name: string, text: string, checkout: string): ReadonlyArray<string> => {
  const found = new Set([...text.matchAll(homeOrTemporary)].map((match) => match[0]))
  if (checkout.split("/").length > 2 && text.includes(`${checkout}/`)) found.add(checkout)
  return [...found].map((path) => `${name}: names a path of one machine, ${path}`)
}

const disable = /(?:ox|es)lint-disable(?:-next-line|-line)?\b([^\n]*)/g

/** A rule may be switched off for a line, with its name and a reason (`-- why`); the project's own may not. */
export const suppressions = (name: string, text: string): ReadonlyArray<string> =>
  [...text.matchAll(disable)].flatMap((match) => {
    const rest = match[1] ?? ""
    if (/\blayers\/|no-restricted-/.test(rest)) return [`${name}: a project rule is switched off:${rest}`]
    return / [\w@/-]+(, ?[\w@/-]+)* -- \S/.test(rest)
      ? []
      : [`${name}: a lint rule is switched off without name and reason`]
  })
