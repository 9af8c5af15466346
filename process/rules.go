package process

// Default is the table of rules, read from top to bottom.
func Default(w Walker, signer Signer) Pipeline {
	return Pipeline{
		{"identifiers", nil, identifiers},
		{"collector metadata", nil, collectorMetadata},
		{"crash report keys", nil, reportKeys},
		{"product", nil, product},
		{"esr version", isESR, esrVersion},
		{"process type", nil, processType},
		{"user data", nil, userData},
		{"environment", nil, environment},
		{"java stack trace", hasJavaTrace, javaStackTrace},
		{"dates", nil, dates},
		{"minidump hash", hasMinidump, hashMinidump},
		{"stackwalk", nil, walk(w)},
		{"additional minidumps", nil, additionalMinidumps(w)},
		{"crash info", hasReport, crashInfo},
		{"cpu", hasReport, cpu},
		{"system", hasReport, system},
		{"platform annotations", noReport, platformAnnotations},
		{"pretty os", nil, prettyOS},
		{"stack facts", hasReport, stackFacts},
		{"signature", nil, sign(signer)}, // reads what the others found
		{"shorten stacks", hasReport, shortenStacks},
		{"json dump", hasReport, jsonDump},
	}
}
