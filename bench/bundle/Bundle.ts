/** What a bundle of a program with a node in it weighs, as esbuild makes it of the published package. */
import { type BuildResult, buildSync } from "esbuild"
import { gzipSync } from "node:zlib"

export interface Weight {
  /** Bytes, minified. */
  readonly minified: number
  /** Bytes of that, compressed as web servers do (gzip, level 9). */
  readonly gzipped: number
}

export interface Sizes {
  /** The program with all it stands on. */
  readonly whole: Weight
  /** This package alone. */
  readonly own: Weight
  /** What the rest of the whole is: Effect, and what its sockets bring along. */
  readonly beneath: Weight
}

/** A node over real sockets, and no more: what a bundler finds unused is left out. */
const program = `
import { Memberlist, MemberlistConfig, MemberlistLive, NodeTransport } from "effect-memberlist"
globalThis.node = [Memberlist, MemberlistConfig, MemberlistLive, NodeTransport]
`

const OURS = /node_modules\/effect-memberlist\//

const bundle = (folder: string, external: ReadonlyArray<string>): BuildResult<{ metafile: true; write: false }> =>
  buildSync({
    stdin: { contents: program, resolveDir: folder, sourcefile: "program.js" },
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node22",
    legalComments: "none",
    external: [...external],
    metafile: true,
    write: false,
    logLevel: "error"
  })

const weigh = ({ outputFiles }: BuildResult<{ write: false }>): Weight => {
  const bytes = Buffer.concat(outputFiles.map(({ contents }) => contents))
  return { minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length }
}

/** Returns the sizes for a folder in which `effect-memberlist` is installed as it is published. */
export const sizes = (folder: string): Sizes => {
  const built = bundle(folder, [])
  const inputs = Object.keys(built.metafile.inputs)
  if (!inputs.some((file) => OURS.test(file))) throw new Error(`${folder} has no package effect-memberlist`)
  const whole = weigh(built)
  const own = weigh(bundle(folder, ["effect", "@effect/platform-node"]))
  return {
    whole,
    own,
    beneath: { minified: whole.minified - own.minified, gzipped: whole.gzipped - own.gzipped }
  }
}
