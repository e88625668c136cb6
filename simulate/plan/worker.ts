/** A child process that runs one planned cluster after the other. */
import { serve } from "../running/Worker.ts"
import { measure } from "./measure.ts"

serve(measure)
