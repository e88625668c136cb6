/**
 * Who starts fibers in the engine. `Work.ts` starts all that are no loops, so that each is bounded and its defects are
 * told; what is listed beside it starts a fiber of another kind. Read by the lint rule `layers/forks`.
 */

/** The files that may, what of `Effect` they may use, and which modules of fibers in number. */
export const starters: Readonly<Record<string, ReadonlyArray<string>>> = {
  // everything that is no loop
  "src/engine/Work.ts": ["runForkWith"],
  // the loops
  "src/engine/Supervisor.ts": ["forkScoped"],
  // work that its caller waits for, and the time that a wait may take
  "src/engine/Cutoff.ts": ["runForkWith"],
  // a child that the probe waits for or interrupts, and whose defects `Work.guard` tells
  "src/engine/probing/Inquiry.ts": ["forkChild"]
}

const isEngine = (file: string): boolean => file.startsWith("src/engine/") || file === "src/Memberlist.ts"

const collections = /^effect\/Fiber(Set|Map|Handle)$/

const advice = "start it with node.work (src/engine/Work.ts), which bounds fibers and tells of their defects"

/** Why a file may not use this of `Effect`, or import this; `undefined` when it may. */
export const objection = (file: string, what: string): string | undefined => {
  if (!isEngine(file) || starters[file]?.includes(what) === true) return undefined
  return collections.test(what) || /^(fork|run)[A-Z]/.test(what)
    ? `${what} starts fibers that are nobody's: ${advice}`
    : undefined
}
