// The emulated clouds for a person to try:
//   dotnet run --project tests/Emulators [--folder DIR] [--port 9500] [--host NAME]
// starts all of them and writes DIR/appsettings.json, with which the service reads them. `ready` says by its exit code whether that is
// done.
using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Emulators;

var words = args.Where(word => word != "ready").ToList();
var options = new Dictionary<string, string>
{
    ["--folder"] = Path.Combine(Path.GetTempPath(), "metrics-emulated"),
    ["--port"] = "9500",
    ["--host"] = "127.0.0.1",
};
for (var i = 0; i < words.Count; i += 2)
{
    if (!options.ContainsKey(words[i]) || i + 1 == words.Count)
    {
        Console.Error.WriteLine($"'{words[i]}' is not understood. Options, each with a value: {string.Join(", ", options.Keys)}.");
        return 2;
    }
    options[words[i]] = words[i + 1];
}
if (!int.TryParse(options["--port"], out var port) || port is < 0 or > 65_532)
{
    Console.Error.WriteLine("--port is the first of four ports, or 0 for any that are free.");
    return 2;
}
var (folder, settingsFile) = (
    Path.GetFullPath(options["--folder"]),
    Path.Combine(Path.GetFullPath(options["--folder"]), "appsettings.json")
);
if (args.Contains("ready"))
    return File.Exists(settingsFile) ? 0 : 1;

Truth.CountedFrom = Truth.MinuteOf(DateTime.UtcNow.AddDays(-3));
Directory.CreateDirectory(folder);
File.Delete(settingsFile);

// As clouds are on a good day: a few minutes late, some of it later, now and then in a haste or in pieces.
var clouds = new Faults
{
    Seed = 1,
    Delay = TimeSpan.FromMinutes(2),
    LateShare = 0.02,
    LateBy = TimeSpan.FromMinutes(20),
    RevisedShare = 0.02,
    RevisedAfter = TimeSpan.FromMinutes(10),
    ThrottledShare = 0.01,
    BrokenShare = 0.005,
    CutShare = 0.005,
    PartialShare = 0.005,
};
EmulatedFleet fleet;
try
{
    fleet = await EmulatedFleet.StartAsync(clouds, Faults.None, TimeProvider.System, new ListenAddresses(port, options["--host"]));
}
catch (IOException exception)
{
    Console.Error.WriteLine($"The emulators cannot listen: {exception.Message} Choose other ports with --port, or 0.");
    return 1;
}
await using var running = fleet;

var whole = new JsonObject();
foreach (
    var (key, value) in (IEnumerable<(string, string)>)
        [("Metrics:Storage:ConnectionString", $"Data Source={Path.Combine(folder, "metrics.db")}"), .. await fleet.SettingsAsync(folder)]
)
{
    var at = whole;
    var names = key.Split(':');
    foreach (var name in names[..^1])
        at = (JsonObject)(at[name] ??= new JsonObject());
    at[names[^1]] = value;
}
var written = settingsFile + ".part";
await File.WriteAllTextAsync(written, whole.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));

// Whoever waits for the file finds it whole.
File.Move(written, settingsFile);

Console.WriteLine(
    $"""
    Four places, emulated:
      aws/us-east-1      Amazon CloudWatch and STS       {fleet.Aws.Server.Address}
      azure/westeurope   Azure Monitor and Entra         {fleet.Azure.Server.Address}
      gcp/europe-west4   Google Cloud Monitoring, OAuth  {fleet.Gcp.Server.Address}
      onprem/dc-1        Prometheus, for all the tokens  {fleet.Prometheus.Address}
    Read them with:
      ASPNETCORE_CONTENTROOT={folder} dotnet run --project src/Api
    """
);
var ended = new TaskCompletionSource();
using var interrupt = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGINT, End);
using var terminate = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGTERM,
    End
);
await ended.Task;
return 0;

void End(System.Runtime.InteropServices.PosixSignalContext context)
{
    context.Cancel = true;
    ended.TrySetResult();
}
