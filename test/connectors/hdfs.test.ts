import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./hdfs.js";

conform(t, connector);
