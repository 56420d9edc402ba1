using Metrics.Emulators;

Console.Error.WriteLine($"{Truth.Places.Count} places.");
