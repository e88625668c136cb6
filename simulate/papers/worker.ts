/** A child process that runs one job after the other. */
import { serve } from "../running/Worker.ts"
import { perform } from "./Jobs.ts"

serve(perform)
