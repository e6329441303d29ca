import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./gs.js";

conform(t, connector);
