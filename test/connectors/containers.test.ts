import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./containers.js";

conform(t, connector);
