Console.WriteLine("See NOTES.md.");
