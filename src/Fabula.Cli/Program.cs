// The `fabula` command: one table from verb to what it does. Exit codes: 0 done, 1 done and the answer is no (a comparison missed),
// 2 bad input or a missing part, told in one sentence on standard error; docs/make.md has those of `make`.
using System.CommandLine;
using Fabula.Cli.Commands;

var root = new RootCommand("Fabula turns a story into a film whose people and places stay the same.")
{
    MakeCommand.Create(), PlanCommand.Create(), NewCommand.Create(), DoctorCommand.Create(), ModelsCommand.Create(),
    TrainCommand.Create(), EvaluateCommand.Create(), CurateCommand.Create(),
    TheatreCommand.Create(),
};
var parsed = root.Parse(args);
var code = parsed.Invoke();
return parsed.Errors.Count > 0 ? 2 : code;
