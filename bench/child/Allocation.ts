/** How many bytes something allocates. */
import { setTimeout as sleep } from "node:timers/promises"
import * as v8 from "node:v8"
import { runInNewContext } from "node:vm"

/** Bytes of JavaScript objects, and of the memory outside the heap that byte arrays have. */
const used = (): number => {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const collector = (): () => void => {
  v8.setFlagsFromString("--expose-gc")
  return runInNewContext("gc")
}

/**
 * Returns the bytes that one call allocates, by the heap's own figures before and after many calls. The process is given so
 * much room (`--min-semi-space-size`) that nearly always nothing is collected in between; where something is, what the
 * heap says before and after each collection is reckoned with.
 */
export const allocated = async (run: () => unknown, calls: number): Promise<number> => {
  const collect = collector()
  collect()
  // what is freed beside the collector is freed by now
  await sleep(20)
  const profiler = new v8.GCProfiler()
  profiler.start()
  const before = used()
  for (let i = 0; i < calls; i++) run()
  const after = used()
  const collections = profiler.stop()?.statistics ?? []
  const freed = collections.reduce((sum, { afterGC, beforeGC }) => sum + held(beforeGC) - held(afterGC), 0)
  return (after - before + freed) / calls
}

const held = ({ heapStatistics }: v8.GCProfilerResult["statistics"][number]["beforeGC"]): number =>
  heapStatistics.usedHeapSize + heapStatistics.externalMemory
